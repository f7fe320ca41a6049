"""One answer of the model: asked for, read as it streams, decoded, and judged by the rules."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import aiohttp
import orjson

from adapters.base import Decoder, Event, Thinking, Unwritable
from adapters.decoding import decoder_for
from adapters.turns import TurnBuilder, unfenced
from proxy.checker import Checker, Skipped
from proxy.errors import UpstreamBroken
from proxy.plan import Plan
from proxy.reading import Piece, Reader, Usage
from proxy.sse import EventTooLong, Splitter
from proxy.upstream import Upstream
from rules.advice import capped, quoted
from rules.base import Problem, Verdict, repair
from rules.conversation import ToolCall, Turn
from rules.problems import problem_from
from rules.registry import RULES
from rules.schema import is_plain


@dataclass(frozen=True, slots=True)
class Shown:
    """What became certain with one event: text and thought that may go out at once."""

    text: str
    thought: str
    logprobs: tuple[Any, ...]


Show: TypeAlias = Callable[[Reader, Shown], Awaitable[None]]
"""Shows the client what is certain."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One attempt, finished. `raw` is the model's exact text where the server gave it; `seconds` is its duration.

    engine    what the server's own tool parser got wrong, as a reason code; empty: nothing, or it was not asked
    left_out  names of calls that are not delivered, because the client takes one
    """

    verdict: Verdict
    raw: str
    usage: Usage
    seconds: float
    reader: Reader
    unchecked: tuple[str, ...] = ()
    engine: str = ""
    left_out: tuple[str, ...] = ()

    @property
    def turn(self) -> Turn:
        """The turn, mended."""
        return self.verdict.turn

    @property
    def problem(self) -> Problem | None:
        """What only the model can mend."""
        return self.verdict.problem


@dataclass(slots=True)
class Decoding:
    """Feeds a decoder that is chosen once the first text shows where the raw text comes from."""

    plan: Plan
    builder: TurnBuilder
    decoder: Decoder | None = None
    opened: str = "no"
    size: int = 0

    def feed(self, reader: Reader, piece: Piece) -> tuple[str, str]:
        """Take a piece and return the text and the thought that it makes certain."""
        self.size += len(piece.raw) + len(piece.thought)
        events: list[Event] = [Thinking("", piece.thought)] if piece.thought else []
        if piece.raw:
            events += self._decoder(reader).feed(piece.raw)
        return self.builder.take(events)

    def finish(self, reader: Reader) -> tuple[str, str]:
        """End the text, and add what only the server knows: the calls it parsed where its raw text does not show them."""
        piece = reader.finish()
        decoder = self._decoder(reader)
        events = [*decoder.feed(piece.raw), *decoder.finish()]
        text = self.builder.take(events)
        structured = reader.calls()
        unseen = [call for call in structured if call.call.name not in reader.raw]
        if structured and (reader.source == "content" or reader.damaged):
            self.builder.calls = structured
        elif unseen and not self.builder.calls:
            self.builder.take(unseen)
        return text

    def _decoder(self, reader: Reader) -> Decoder:
        if self.decoder is None:
            opened = self.plan.opened(raw=reader.source == "logprobs", split=reader.split and reader.source == "content")
            self.decoder, self.opened = decoder_for(self.plan.grammar(), opened), opened
        return self.decoder


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading an answer needs.

    limit   the most tokens the answer may have, where one is set
    budget  the most tokens we let it have, where it is a second answer
    parsed  the server was asked to find the calls itself
    begun   is told the reader of the answer when it begins, so that an answer that breaks off is accounted for
    """

    plan: Plan
    upstream: Upstream
    checker: Checker
    limit: int | None
    budget: int | None = None
    parsed: bool = False
    begun: Callable[[Reader], None] = lambda reader: None  # noqa: ARG005 - nobody wants to know


async def read_answer(reading: Reading, response: aiohttp.ClientResponse, show: Show) -> Answer:
    """Read, decode and judge one answer. Raises the faults of the model server."""
    started = time.monotonic()
    plan, upstream = reading.plan, reading.upstream
    reader = Reader(plan.profile.raw, reading.limit, keep_logprobs=plan.wants_logprobs)
    reading.begun(reader)
    decoding = Decoding(plan, TurnBuilder(keep_thinking=plan.keeps_thinking))
    degenerate = False
    async for piece in pieces(upstream, response, reader):
        text, thought = decoding.feed(reader, piece)
        if text or thought or piece.logprobs:
            await show(reader, Shown(text, thought, piece.logprobs))
        if endless(reading, decoding, reader):
            degenerate = True
            response.close()
            break
    if not degenerate and reader.finish_reason is None:
        raise UpstreamBroken("the model server's answer broke off before it was finished (no finish_reason)", code="truncated")
    text, thought = decoding.finish(reader)
    last, turn = decoding.builder.finish("cut" if degenerate else reader.ending())
    if (turn.text.strip() or thought) and not degenerate:
        await show(reader, Shown(text + last, thought, ()))
    turn = finished(plan, turn, decoding, reader)
    verdict, unchecked = await judge(reading, turn, degenerate=degenerate)
    left_out = left_out_of(turn, verdict) if "keep_first_call" in verdict.repairs else ()
    verdict = replace(verdict, turn=replace(verdict.turn, calls=tuple(identified(verdict.turn.calls))))
    engine = compared(verdict, reader) if reading.parsed else ""
    return Answer(verdict, reader.raw, reader.tokens(), time.monotonic() - started, reader, unchecked, engine, left_out)


def left_out_of(turn: Turn, verdict: Verdict) -> tuple[str, ...]:
    """Name the calls of a turn that gave way to the one that is delivered."""
    names = [call.name for call in turn.calls]
    kept = verdict.turn.calls[0].name
    names.remove(kept if kept in names else names[0])
    return tuple(names)


def endless(reading: Reading, decoding: Decoding, reader: Reader) -> bool:
    """Tell whether an answer has grown beyond what any turn needs."""
    limits = reading.upstream.limits
    calls, size = reader.structured_size
    spent = reading.budget is not None and reader.counted > reading.budget
    too_long = max(decoding.size, size) > limits.argument_bytes
    return spent or too_long or max(len(decoding.builder.calls), calls) > limits.calls_per_turn


def compared(verdict: Verdict, reader: Reader) -> str:
    """Compare what the server's parser made of the answer with what is right, where that is known."""
    if verdict.repairs or verdict.problem or reader.damaged:
        return ""
    served = [(event.call.name, event.call.arguments) for event in reader.calls()]
    right = [(call.name, call.arguments) for call in verdict.turn.calls]
    if served == right:
        return ""
    return "call-not-parsed" if not served else "call-misparsed"


async def pieces(upstream: Upstream, response: aiohttp.ClientResponse, reader: Reader) -> Any:
    """Yield the pieces of an answer, streamed or (from a server that does not stream) whole."""
    limit = upstream.limits.event_bytes
    if response.content_type == "application/json":
        body = await upstream.body(response, limit)
        try:
            yield reader.take_whole(orjson.loads(body))
        except orjson.JSONDecodeError as error:
            raise UpstreamBroken("the model server's answer is no JSON") from error
        return
    splitter = Splitter(limit)
    try:
        async for data in upstream.pieces(response):
            for event in splitter.feed(data):
                yield reader.take(event)
            if reader.done:
                await upstream.drain(response)
                return
        for event in splitter.finish():
            yield reader.take(event)
    except EventTooLong as error:
        raise UpstreamBroken(f"the model server sent {error}") from error


def finished(plan: Plan, turn: Turn, decoding: Decoding, reader: Reader) -> Turn:
    """Settle what only the whole answer shows: calls that nobody declared tools for, a thought that was none.

    A profile may be wrong about its template: what it takes for an unfinished thought, while the server shows it as the
    answer, is the answer. Taking it away would be worse than no proxy at all.
    """
    if not plan.conversation.tools:
        turn = replace(turn, calls=())
    if plan.conversation.policy.acts:
        turn = unfenced(turn, plan.grammar())
    if plan.client.takes is not None:
        turn = plan.client.takes(turn, plan.conversation)
    mistaken = decoding.opened == "yes" and not reader.split and turn.ending == "stop"
    if mistaken and turn.thinking and not turn.text and not turn.calls and reader.content.strip():
        turn = replace(turn, text=reader.content, thinking="")
    return turn


def identified(calls: Iterable[ToolCall]) -> Iterable[ToolCall]:
    """Give each call an id of its own; a server's id stays where it is the first of its kind."""
    seen: set[str] = set()
    for call in calls:
        new = call.id if call.id and call.id not in seen else f"call_{secrets.token_hex(12)}"
        seen.add(new)
        yield replace(call, id=new)


async def judge(reading: Reading, turn: Turn, *, degenerate: bool) -> tuple[Verdict, tuple[str, ...]]:
    """Run the rules, and check what is not plain in the worker. Returns the verdict and why checks were skipped."""
    if degenerate:
        advice = "It went on without end and was cut off. Answer shortly, with one call at most."
        return Verdict(turn, problem=Problem("endless-answer", "model-degenerate", advice)), ()
    verdict = repair(turn, reading.plan.conversation, RULES)
    if verdict.problem is not None:
        return verdict, ()
    skipped: list[str] = []
    for call in verdict.turn.calls:
        spec = reading.plan.conversation.tool(call.name)
        if spec is None or is_plain(spec.parameters):
            continue
        found = await reading.checker.check(call, spec)
        if isinstance(found, Skipped):
            skipped.append(found.reason)
        elif found.items:
            return replace(verdict, problem=problem_from(call, found.items)), tuple(skipped)
    return replace(verdict, problem=uncarried(verdict.turn, reading.plan)), tuple(skipped)


def uncarried(turn: Turn, plan: Plan) -> Problem | None:
    """Find what the client's own format cannot carry in a turn that is otherwise right."""
    try:
        plan.client.express(turn, plan.conversation)
    except Unwritable as error:
        call = turn.calls[0] if turn.calls else None
        what = f"Your call of {quoted(call.name)} cannot be passed on. " if call else ""
        return Problem("uncarriable-value", "model-arguments", capped(f"{what}{error}"), call)
    return None
