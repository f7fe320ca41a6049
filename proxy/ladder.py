"""Asking again: how often, how long, and in which words; and what the client gets when nothing helped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from adapters.advice import quoted, shorten
from proxy.answer import Answer
from proxy.errors import Fault
from proxy.settings import Budget
from rules.base import Problem
from rules.conversation import Conversation, ToolCall, Turn
from rules.kinds import SchemaLookup
from rules.problems import judge, problem_from

TEMPERATURES = (0.6, 0.9, 1.0)
"""Sampling of the first, second and later questions: at temperature 0 the same answer comes back."""

POLL = 0.02
"""Seconds between two looks at whether there is room for another question."""

MARGIN = 0.8
"""The part of a client's read timeout that we use up at most; the answer still has to reach it."""


class Gate:
    """Bounds how many questions are asked at once, and stops asking for a while when the server fails.

    Asking again is load that a struggling server does not need: at most `max(3, 20 % of what is active)` at a time, and after
    five failures in a row none for ten seconds.
    """

    FAILURES, PAUSE = 5, 10.0

    def __init__(self) -> None:
        self.active = 0
        self._asking = 0
        self._failures = 0
        self._closed_until = 0.0

    async def enter(self, seconds: float) -> bool:
        """Wait, for so many seconds at most, until another question may be asked; not at all while the server is left alone."""
        until = time.monotonic() + seconds
        while time.monotonic() >= self._closed_until:
            if self._asking < max(3, self.active // 5):
                return True
            if time.monotonic() >= until:
                return False
            await asyncio.sleep(POLL)
        return False

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Count a question while it runs; one that the server fails (and does not merely refuse) counts against it."""
        self._asking += 1
        try:
            yield
        except (Fault, TimeoutError) as error:
            self._failures += not (isinstance(error, Fault) and error.status < 500)
            if self._failures >= self.FAILURES:
                self._closed_until, self._failures = time.monotonic() + self.PAUSE, 0
            raise
        else:
            self._failures = 0
        finally:
            self._asking -= 1


@dataclass(frozen=True, slots=True)
class Allowance:
    """One turn's budget: questions, tokens, and the moment (monotonic seconds) by which all must be done."""

    asks: int
    tokens: int
    until: float

    def spent(self, tokens: int) -> Allowance:
        """Return what is left after another question, whose answers had so many tokens."""
        return replace(self, asks=self.asks - 1, tokens=self.tokens - tokens)

    @property
    def seconds(self) -> float:
        """Seconds left."""
        return self.until - time.monotonic()

    @property
    def left(self) -> bool:
        """Whether another question is within the budget."""
        return self.asks > 0 and self.tokens > 0 and self.seconds > 0


def allowance(budget: Budget, headers: Mapping[str, str], started: float) -> Allowance:
    """Return the budget for one turn. The client's own read timeout, which the OpenAI SDKs tell, is the outer bound."""
    seconds = budget.seconds
    try:
        client = float(headers.get("x-stainless-read-timeout", ""))
    except ValueError:
        client = 0.0
    if client > 0:
        seconds = min(seconds, client * MARGIN - (time.monotonic() - started))
    return Allowance(budget.asks, budget.tokens, time.monotonic() + seconds)


def sampling(number: int, allowed: Allowance, limit: int | None) -> dict[str, Any]:
    """Return the changed sampling of the n-th question (from 1).

    Where the client set no limit none is sent: a server refuses one that its context cannot hold. The budget is then kept by
    whoever reads the answer.
    """
    temperature = TEMPERATURES[min(number, len(TEMPERATURES)) - 1]
    changed = {"temperature": temperature, "top_p": 0.95, "seed": number}
    return changed if limit is None else {**changed, "max_tokens": max(min(limit, allowed.tokens), 1)}


PENALTIES = (1.05, 1.1)
"""Repetition penalties of the first and of later questions, as vLLM takes them. They count a word once, however often it came:
a frequency penalty would grow with every line of a file, and break what is right."""

WATCH = {"max_pattern_size": 64, "min_pattern_size": 1, "min_count": 256}
"""What vLLM is asked to look out for by itself: any cycle of up to 64 tokens, where it comes as often as one token may."""


def calming(number: int, problem: Problem) -> dict[str, Any]:
    """Return what the n-th question (from 1) changes besides where an answer had no end."""
    if problem.fault != "model-degenerate":
        return {}
    return {"repetition_penalty": PENALTIES[min(number, len(PENALTIES)) - 1], "repetition_detection": WATCH}


SURVIVED: Mapping[str, frozenset[str]] = {
    "openai_chat": frozenset({"missing-arguments", "unknown-tool", "wrong-arguments", "unknown-arguments"}),
    "openhands_text": frozenset({"missing-arguments", "unknown-tool", "wrong-arguments", "unknown-arguments"}),
    "swe_agent_function_calling": frozenset({"missing-arguments", "unknown-tool", "unknown-arguments"}),
    "mini_swe_agent_tools": frozenset({"missing-arguments", "unknown-tool", "unknown-arguments"}),
    "evalscope_toolcall": frozenset({"unknown-arguments"}),  # without a command it reports success; other tools it drops
}
"""Which broken calls each client answers with an error of its own; on all others it aborts, or does something silently wrong. A
client that takes a line of text survives none: there is no line to write."""

RIGHT = frozenset({"repeated-call", "failing-alike", "done-but-goes-on", "no-call", "call-required"})
"""What a turn may be asked about although the client can take it: where asking did not help, it is delivered as it is."""

STOPPED = "[toolmend: stopped here. {advice} Nothing was run this time.]"
CUT = "[toolmend: the model's call was cut off before its end, also when it was asked again; it was not executed]"
ENDLESS = "[toolmend: the model's answer had no end and was cut off, also when it was asked again]"
EMPTY = "[toolmend: the model gave an empty answer, also when it was asked again]"


def best_of(first: Answer, last: Answer) -> Answer:
    """Choose what is delivered of a first answer and a last one that is not right either."""
    worse = _is_right(first) and not _is_right(last)
    return first if worse or (first.turn.calls and not last.turn.calls) else last


def _is_right(answer: Answer) -> bool:
    return answer.problem is None or answer.problem.reason in RIGHT


def fail_open(answer: Answer, client: str, within: Conversation) -> Turn:
    """Return the best that is left, in a form that the client survives.

    A call that it would only complain about goes out as it is, since that is what it would have got without us. Any other is
    left out beside good ones, and shown as text where it stands alone; for a client that takes one call nothing runs in the
    place of the first. A truncated call is never a call, nor is one in an answer that had no end, though it was whole: what
    came over the model may have begun before it. An empty answer says what it is. A call that only goes round is delivered,
    until the session is stopped with words that say so.
    """
    turn, problem = answer.turn, answer.problem
    reason, fault = (problem.reason, problem.fault) if problem else ("", None)
    if fault in ("truncated", "model-degenerate"):
        last = CUT if fault == "truncated" or turn.calls else ENDLESS
        return replace(turn, calls=(), ending="length", text=turn.text if turn.text.strip() else last)
    if reason in RIGHT:
        return turn
    if problem and problem.hopeless:
        return replace(turn, calls=(), text=STOPPED.format(advice=problem.advice))
    takes = turn.calls if within.policy.several == "all" else turn.calls[:1]
    kept = tuple(call for call in takes if _survived(call, answer, client, within))
    if kept:
        return replace(turn, calls=kept)
    if turn.calls:
        return replace(turn, calls=(), text=shorten(quoted(turn)))
    return turn if turn.text.strip() else replace(turn, text=EMPTY)


def _survived(call: ToolCall, answer: Answer, client: str, within: Conversation) -> bool:
    """Tell whether a client lives on with a call: it is right, or wrong in a way that the client answers with an error."""
    if isinstance(call.arguments, str) or not call.whole:
        return False
    flaw = _flaw(call, answer.problem, within)
    return not flaw or (flaw in SURVIVED.get(client, frozenset()) and not _aborts(call, within))


def _flaw(call: ToolCall, problem: Problem | None, within: Conversation) -> str:
    """Say what is wrong with a call: what it was refused for, or, of one that was never judged, what it would be refused for."""
    if problem and problem.call and replace(problem.call, id=call.id) == call:  # it has got its id since
        return problem.reason
    if within.tool(call.name) is None:
        return "unknown-tool"
    found = judge(call, within)
    return problem_from(call, found).reason if found else ""


def _aborts(call: ToolCall, within: Conversation) -> bool:
    """Tell whether a text is expected where something else stands: OpenHands 0.59 ends the session on it."""
    spec = within.tool(call.name)
    if spec is None or isinstance(call.arguments, str):
        return False
    lookup = SchemaLookup(spec.parameters)
    return any(
        not isinstance(value, str) and lookup.kinds(lookup.member(spec.parameters, name)) == {"string"}
        for name, value in call.arguments.items()
    )
