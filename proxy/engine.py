"""Holds what a server made of one answer against the answer itself."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from adapters.engine.base import PARSERS, SHOWN_BY, Heard
from adapters.engine.compare import EngineFault, compare
from adapters.engine.registry import FAULTS
from adapters.engine.versions import version_of
from adapters.registry import DIALECTS
from adapters.structured.servers import facts_of
from proxy.capabilities import Capabilities
from proxy.decoding import Decoding
from proxy.reading import Reader
from rules.base import Verdict
from rules.conversation import Arguments, ToolCall, Turn

VLLM: Final = ("vllm", "")
"""Names of servers whose faults are known; of one without a name it is supposed."""

REREAD: Final = "reread_call"
"""What is written down where a server passed on a call as it was written, and it had to be read again: JSON in a string, say."""


def compared(
    decoding: Decoding, reader: Reader, written: Turn, verdict: Verdict, known: Capabilities
) -> tuple[EngineFault | None, tuple[str, ...]]:
    """Say what the server's own parsers got wrong in an answer that they were asked to read, and what was mended by reading it.

    written  the turn as the model wrote it, before any rule has looked at it
    known    what is known of the server
    """
    heard = _heard(decoding, reader, written, verdict, known)
    server = known.seen_as(facts_of(reader.head)).name
    version = version_of(reader.fingerprint) or version_of(known.version)
    fault = compare(heard, version, FAULTS if server in VLLM else ())
    right = fault is None and heard.raw and not verdict.repairs and verdict.problem is None
    return fault, (REREAD,) if right and _plain(heard.served) != _plain(heard.read) else ()


def _plain(calls: Sequence[ToolCall]) -> list[tuple[str, Arguments | str]]:
    return [(call.name, call.arguments) for call in calls]


def _heard(decoding: Decoding, reader: Reader, written: Turn, verdict: Verdict, known: Capabilities) -> Heard:
    plan = decoding.plan
    exact = reader.source == "logprobs" and decoding.shown and not reader.damaged
    opener = known.reasoning_parser or ""
    divides = bool(opener) and opener in reader.raw  # a thought in other tags is not for it
    family = known.tool_parser if known.tool_parser in PARSERS else _family(plan.profile.reads, reader.raw)
    return Heard(
        raw=reader.raw if exact else "",
        read=tuple(event.call for event in decoding.builder.calls) or written.calls,  # it may stand in a thought
        mended=verdict.turn.calls,
        served=tuple(event.call for event in decoding.served),
        text=None if plan.keeps_thinking else written.text,
        thinking=written.thinking,
        content=reader.content,
        reasoning=reader.thought,
        finish=str(reader.finish_reason),
        limited=reader.ending() == "length",
        streamed=reader.streamed,
        demanded=plan.conversation.policy.choice == "required",
        divides=divides,
        marks=_marks(plan.profile.reads[0], thoughts=reader.split or divides),
        dialect=family or "",
        tools=plan.conversation.tools,
    )


def _family(reads: Sequence[str], raw: str) -> str:
    """Name the dialect of the model's family: the profile's own, or, where a profile is for any model, what the text shows."""
    if len(reads) < len(DIALECTS) // 2:
        return reads[0]
    return next((dialect for dialect, marker in SHOWN_BY.items() if marker in raw), "")


@lru_cache(maxsize=128)
def _marks(dialect: str, *, thoughts: bool) -> frozenset[str]:
    """Return the markers of a dialect that are no text. Those of thoughts are, where the server does not set thoughts apart."""
    known = DIALECTS[dialect]
    of_thoughts = {marker for pair in known.thinking for marker in pair}
    markup = {each for each in (*known.closers, *known.ends) if "response" not in each}  # an invented result is the model's own
    return frozenset(markup | of_thoughts if thoughts else markup - of_thoughts)
