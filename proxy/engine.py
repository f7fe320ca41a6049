"""Holds what a server made of one answer against the answer itself."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from adapters.engine.base import SHOWN_BY, Heard
from adapters.engine.compare import EngineFault, compare
from adapters.engine.versions import version_of
from adapters.registry import DIALECTS
from proxy.decoding import Decoding
from proxy.plan import Plan
from proxy.reading import Reader
from rules.base import Verdict
from rules.conversation import Arguments, ToolCall, Turn

REREAD: Final = "reread_call"
"""What is written down where a server passed on a call as it was written, and it had to be read again: JSON in a string, say."""


def compared(
    plan: Plan, decoding: Decoding, reader: Reader, written: Turn, verdict: Verdict
) -> tuple[EngineFault | None, tuple[str, ...]]:
    """Say what the server's own parsers got wrong in an answer that they were asked to read, and what was mended by reading it.

    written  the turn as the model wrote it, before any rule has looked at it
    """
    heard = _heard(plan, decoding, reader, written, verdict)
    fault = compare(heard, version_of(reader.head.get("system_fingerprint")))
    right = fault is None and heard.raw and not verdict.repairs and verdict.problem is None
    return fault, (REREAD,) if right and _plain(heard.served) != _plain(heard.read) else ()


def _plain(calls: Sequence[ToolCall]) -> list[tuple[str, Arguments | str]]:
    return [(call.name, call.arguments) for call in calls]


def _heard(plan: Plan, decoding: Decoding, reader: Reader, written: Turn, verdict: Verdict) -> Heard:
    exact = reader.source == "logprobs" and decoding.shown and not reader.damaged
    return Heard(
        raw=reader.raw if exact else "",
        read=tuple(event.call for event in decoding.builder.calls) or written.calls,  # it may stand in a thought
        mended=verdict.turn.calls,
        served=tuple(event.call for event in reader.calls()),
        text=None if plan.keeps_thinking else written.text,
        thinking=written.thinking,
        content=reader.content,
        reasoning=reader.thought,
        finish=str(reader.finish_reason),
        limited=reader.ending() == "length",
        streamed=reader.streamed,
        demanded=plan.conversation.policy.choice == "required",
        marks=_marks(plan.profile.reads[0], thoughts=reader.split),
        dialect=_family(plan.profile.reads, reader.raw),
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
