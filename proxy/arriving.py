"""An answer as it comes in: read piece by piece, decoded, shown as far as it is certain, and ended where it finds no end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

import aiohttp

from adapters.guards.repeat import problem_of
from proxy.capabilities import Capabilities
from proxy.checker import Checker
from proxy.decoding import Decoding
from proxy.errors import Fault, UpstreamBroken
from proxy.plan import Plan
from proxy.reading import Piece, Reader, parsed
from proxy.sse import EventTooLong, Splitter
from proxy.upstream import Upstream
from rules.base import Problem


class Shown(NamedTuple):
    """What became certain with one event: text and thought that may go out at once."""

    text: str
    thought: str
    logprobs: tuple[Any, ...]


Show: TypeAlias = Callable[[Reader, Shown], Awaitable[None]]
"""Shows the client what is certain."""


AT_ONCE: Final = 0.02
"""Seconds after which others are let go on while an answer is decoded: a model may write what is slow to decode."""

PART: Final = 4096
"""Characters of an answer that are decoded before anybody looks how long it takes."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading an answer needs.

    limit   the most tokens the answer may have, where one is set
    budget  the most tokens we let it have, where it is a second answer
    parsed  the server was asked to find the calls itself
    rung    what is asked for; empty: the turn itself, for the first time
    known   what is known of the server
    since   when it was asked (monotonic seconds): a server may think before it answers at all
    begun   is told the reader of the answer when it begins, so that an answer that breaks off is accounted for
    """

    plan: Plan
    upstream: Upstream
    checker: Checker
    limit: int | None
    budget: int | None = None
    parsed: bool = False
    rung: str = ""
    known: Capabilities = field(default_factory=Capabilities)
    since: float = field(default_factory=time.monotonic)
    begun: Callable[[Reader], None] = lambda reader: None  # noqa: ARG005 - nobody wants to know


async def read_pieces(reading: Reading, decoding: Decoding, reader: Reader, some: Iterable[Piece], show: Show) -> Problem | None:
    """Decode what one read brought, and show what it makes certain. Returns what ends the answer; raises what the server told.

    It is shown together, unless it takes long: then others are let go on in between. Of an answer that came whole nothing is
    shown before all of it is known.
    """
    rest, held = in_parts(some), Shown("", "", ())
    while True:
        read = _read(reading, decoding, reader, rest)
        held = Shown(held.text + read.shown.text, held.thought + read.shown.thought, held.logprobs + read.shown.logprobs)
        if any(held) and (reader.streamed or not (read.more or read.problem)):
            await show(reader, held)
            held = Shown("", "", ())
        if read.fault is not None:
            raise read.fault
        if read.problem or not read.more:
            return read.problem
        await asyncio.sleep(0)


class _Read(NamedTuple):
    """What became certain, what ends the answer, what the server told in it, and whether there is more to be read."""

    shown: Shown
    problem: Problem | None
    fault: Fault | None
    more: bool


def _read(reading: Reading, decoding: Decoding, reader: Reader, rest: Iterator[Piece]) -> _Read:
    texts: list[str] = []
    thoughts: list[str] = []
    logprobs: list[Any] = []
    problem = fault = None
    more, late = False, time.perf_counter() + AT_ONCE
    try:
        for piece in rest:
            text, thought = decoding.feed(reader, piece)
            texts.append(text)
            thoughts.append(thought)
            logprobs.extend(piece.logprobs)
            problem = endless(reading, decoding, reader)
            more = time.perf_counter() > late
            if problem or more:
                break
    except Fault as error:
        fault = error
    return _Read(Shown("".join(texts), "".join(thoughts), tuple(logprobs)), problem, fault, more)


def in_parts(some: Iterable[Piece]) -> Iterator[Piece]:
    """Cut large pieces into parts that take a moment each. What is not text stays with the first part."""
    for piece in some:
        if len(piece.raw) <= PART:
            yield piece
            continue
        if piece.tokens:
            groups = [piece.tokens[at : at + PART // 8] for at in range(0, len(piece.tokens), PART // 8)]
            parts = [Piece("".join(group), tokens=group) for group in groups]
        else:
            parts = [Piece(piece.raw[at : at + PART]) for at in range(0, len(piece.raw), PART)]
        yield piece._replace(raw=parts[0].raw, tokens=parts[0].tokens)
        yield from parts[1:]


def endless(reading: Reading, decoding: Decoding, reader: Reader) -> Problem | None:
    """Tell whether an answer only repeats itself, or has grown beyond what any turn needs."""
    if decoding.repeat:
        return problem_of(decoding.repeat.reason)
    limits = reading.upstream.limits
    calls, size = reader.structured_size
    spent = reading.budget is not None and reader.counted > reading.budget
    too_long = decoding.size > limits.argument_bytes or size > limits.argument_bytes
    if spent or too_long or calls > limits.calls_per_turn or len(decoding.builder.calls) > limits.calls_per_turn:
        advice = "It went on without end and was cut off. Answer shortly, with one call at most."
        return Problem("endless-answer", "model-degenerate", advice)
    return None


async def pieces(upstream: Upstream, response: aiohttp.ClientResponse, reader: Reader) -> AsyncIterator[Iterable[Piece]]:
    """Yield the pieces of an answer, those of one read together, as they are asked for.

    It is streamed or, from a server that does not stream, whole.
    """
    limit = upstream.limits.event_bytes
    if response.content_type == "application/json":
        yield (reader.take_whole(parsed(await upstream.body(response, limit), "an answer")),)
        return
    splitter = Splitter(limit)
    try:
        async for data in upstream.pieces(response):
            yield map(reader.take, splitter.feed(data))
            if reader.done:
                await upstream.drain(response)
                return
        yield map(reader.take, splitter.finish())
    except EventTooLong as error:
        raise UpstreamBroken(f"the model server sent {error}") from error
