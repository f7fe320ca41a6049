"""Looks again at what failed: the same request with log-probabilities shows what the model wrote, before any parser read it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import orjson

from adapters.base import Call
from adapters.decoding import decode
from adapters.engine.compare import EngineFault
from adapters.grammar import grammar
from adapters.registry import DIALECTS
from proxy.answer import Answer, read_answer
from proxy.arriving import Reading
from proxy.asking import hide
from proxy.body import read_body
from proxy.capabilities import Capabilities
from proxy.checker import Checker
from proxy.doctor import text_protocol
from proxy.doctor.judge import Wrong, fits, judged
from proxy.doctor.scenarios import Want
from proxy.errors import Fault
from proxy.plan import make_plan
from proxy.profiles import Profile
from proxy.question import parses
from proxy.settings import Settings
from proxy.upstream import CHAT, Upstream
from rules.base import Problem
from rules.conversation import Tools

HEADERS: Final = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Look:
    """An answer, as the model wrote it and as the server gave it.

    raw       what the model wrote; empty where the server does not tell
    engine    what the server's parsers made of it otherwise
    dialect   the format of the calls in the raw text; empty: it holds none
    repairs   the rules that mend the call
    problem   what only the model can mend
    other     the tool that it calls, where that is not declared
    rescued   with the repairs, the call is one that the task asks for
    spoken    the raw text, read as the framework reads its text protocol, is right as it is
    content, reasoning  what the server gave as either
    """

    raw: str = ""
    engine: EngineFault | None = None
    dialect: str = ""
    repairs: tuple[str, ...] = ()
    problem: Problem | None = None
    other: str = ""
    rescued: bool = False
    spoken: bool = False
    content: str = ""
    reasoning: str = ""
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Glass:
    """What a second look needs: toolmend's own way to the server, what is known of that, and the most that an answer may take."""

    upstream: Upstream
    checker: Checker
    settings: Settings
    profiles: tuple[Profile, ...]
    known: Capabilities
    seconds: float

    async def look(
        self, body: Mapping[str, Any], wants: Sequence[Want], *, opened: bool | None, around: bool = False
    ) -> Look | None:
        """Ask once more, with log-probabilities. None where the server does not bear that.

        opened  the prompt leaves a thought open; None: not known
        around  the server is not asked to find the calls
        """
        asked = orjson.dumps({**body, "logprobs": True})
        plan = make_plan(read_body(asked, self.settings.limits), self.settings, self.profiles)
        plan = replace(plan, profile=_as_sent(plan.profile, opened))
        sent = orjson.dumps({**body, "logprobs": True, **AROUND}) if around else asked
        reading = Reading(
            plan,
            self.upstream,
            self.checker,
            plan.limit,
            parsed=bool(body.get("tools")) and not around and parses(plan, frozenset()),
            known=self.known,
        )
        try:
            async with (
                asyncio.timeout(self.seconds),
                self.upstream.ask("POST", CHAT, sent, {**self.upstream.headers({}), **HEADERS}) as response,
            ):
                if response.status != 200:
                    return None
                answer = await read_answer(reading, response, hide)
        except (Fault, TimeoutError):
            return None
        return _look(answer, wants, plan.conversation.tools, plan.profile.reads)


def _as_sent(profile: Profile, opened: bool | None) -> Profile:
    """Return a profile that adds nothing to requests, and knows how the prompt ends."""
    ends: Literal["open", "closed"] = "open" if opened else "closed"
    return replace(profile, raw="logprobs", request={}, thinking_prompt=profile.thinking_prompt if opened is None else ends)


AROUND: Final = {"tool_choice": "none", "skip_special_tokens": False}
"""What a server without a tool parser is sent instead: the tools stay in the prompt."""


def _look(answer: Answer, wants: Sequence[Want], tools: Tools, reads: Sequence[str]) -> Look:
    reader, verdict = answer.reader, answer.verdict
    raw = answer.raw if reader.source == "logprobs" else ""
    return Look(
        raw,
        answer.engine,
        written_in(raw, tools, reads),
        verdict.repairs,
        verdict.problem,
        undeclared(raw, tools, reads[0]),
        verdict.problem is None and any(fits(call, want) for call in answer.turn.calls for want in wants),
        judged(text_protocol.read(raw, tools) or Wrong("no-call", ""), wants).grade == "right",
        reader.content,
        reader.thought,
        answer.usage.prompt + answer.usage.completion,
    )


def written_in(raw: str, tools: Tools, reads: Sequence[str]) -> str:
    """Name the format in which a text holds calls of declared tools, the likeliest first; empty where it holds none."""
    declared = {tool.name for tool in tools}
    for name in reads:
        events = decode(raw, grammar([DIALECTS[name]], tools))
        if any(isinstance(event, Call) and event.call.name in declared for event in events):
            return name
    return ""


def undeclared(raw: str, tools: Tools, dialect: str) -> str:
    """Name the tool that a text calls in the model's own format, where it is none that is declared."""
    declared = {tool.name for tool in tools}
    events = decode(raw, grammar([DIALECTS[dialect]], tools))
    names = [event.call.name for event in events if isinstance(event, Call)]
    return next((name for name in names if name not in declared), "")
