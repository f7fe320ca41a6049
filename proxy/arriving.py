"""An answer as it comes in: read piece by piece, decoded, shown as far as it is certain, and ended where it finds no end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
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
    certain, problem, fault = _Certain(), None, None
    late = time.perf_counter() + AT_ONCE
    try:
        for piece in chain.from_iterable(map(in_parts, some)):
            certain.add(decoding.feed(reader, piece), piece.logprobs)
            problem = endless(reading, decoding, reader)
            if problem:
                break
            if time.perf_counter() > late:
                if reader.streamed and certain:
                    await show(reader, certain.take())
                await asyncio.sleep(0)
                late = time.perf_counter() + AT_ONCE
    except Fault as error:
        fault = error
    if certain and (reader.streamed or not problem):
        await show(reader, certain.take())
    if fault is not None:
        raise fault
    return problem


class _Certain:
    """What became certain and was not shown yet."""

    __slots__ = ("_logprobs", "_texts", "_thoughts")

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._logprobs: list[Any] = []

    def add(self, said: tuple[str, str], logprobs: tuple[Any, ...]) -> None:
        """Add a text and a thought, and the log-probabilities that came with them."""
        text, thought = said
        if text:
            self._texts.append(text)
        if thought:
            self._thoughts.append(thought)
        if logprobs:
            self._logprobs += logprobs

    def __bool__(self) -> bool:
        return bool(self._texts or self._thoughts or self._logprobs)

    def take(self) -> Shown:
        """Return all of it, and begin anew."""
        shown = Shown("".join(self._texts), "".join(self._thoughts), tuple(self._logprobs))
        self._texts, self._thoughts, self._logprobs = [], [], []
        return shown


def in_parts(piece: Piece) -> Sequence[Piece]:
    """Cut a large piece into parts that take a moment each. What is not text stays with the first part."""
    if len(piece.raw) <= PART:
        return (piece,)
    if piece.tokens:
        groups = [piece.tokens[at : at + PART // 8] for at in range(0, len(piece.tokens), PART // 8)]
        parts = [Piece("".join(group), tokens=group) for group in groups]
    else:
        parts = [Piece(piece.raw[at : at + PART]) for at in range(0, len(piece.raw), PART)]
    return (piece._replace(raw=parts[0].raw, tokens=parts[0].tokens), *parts[1:])


def endless(reading: Reading, decoding: Decoding, reader: Reader) -> Problem | None:
    """Tell whether an answer only repeats itself, or has grown beyond what any turn needs."""
    if decoding.repeat:
        return problem_of(decoding.repeat.reason)
    limits = reading.upstream.limits
    structured = reader.structured
    spent = reading.budget is not None and reader.counted > reading.budget
    too_long = decoding.size > limits.argument_bytes or structured.size > limits.argument_bytes
    if spent or too_long or structured.count > limits.calls_per_turn or len(decoding.builder.calls) > limits.calls_per_turn:
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
