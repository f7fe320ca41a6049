"""Observe mode: the request and its answer pass untouched; what the rules would have found is written down."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import orjson
from aiohttp import web

from adapters.turns import TurnBuilder
from proxy.answer import Answer, finished, judge
from proxy.arriving import Reading, endless
from proxy.decoding import Decoding
from proxy.engine import compared
from proxy.errors import Fault, UpstreamBroken
from proxy.heard import Heard, Knowledge
from proxy.notes import note
from proxy.outcome import End
from proxy.plan import Plan
from proxy.question import parses
from proxy.reading import Reader
from proxy.recording import Subject
from proxy.services import Services
from proxy.sse import EventTooLong, Splitter
from proxy.upstream import CHAT, Upstream, answer_headers
from proxy.watch import mark
from proxy.wide_json import read_json
from rules.conversation import Turn


async def observe(request: web.Request, raw: bytes, plan: Plan, services: Services, turn_id: str) -> web.StreamResponse:
    """Relay a chat request byte for byte, and look at a copy of the answer when it is over."""
    started = time.monotonic()
    upstream = services.upstream
    copy = Copy(upstream.limits.event_bytes)
    try:
        response, status = await copied(request, raw, plan, upstream, copy, turn_id)
    except Fault as fault:
        seconds = time.monotonic() - started
        subject = Subject(plan, turn_id, (Heard(fault=fault),), End(error=fault, complete=True), {"total": seconds})
        note(subject, services.journal, services.settings.upstream)
        fault.noted = True
        raise
    if status == 200 and copy.complete:
        await write_down(copy.data, plan, services, turn_id, started)
    return response


async def copied(  # noqa: PLR0913, PLR0917 - the parts of one relayed answer
    request: web.Request, raw: bytes, plan: Plan, upstream: Upstream, copy: Copy, turn_id: str
) -> tuple[web.StreamResponse, int]:
    """Relay an answer, and keep a copy of it."""
    async with upstream.ask("POST", CHAT, raw, upstream.headers(request.headers)) as answer:
        headers = {**answer_headers(answer), "x-toolmend-turn": turn_id, "x-toolmend-mode": plan.mode}
        response = web.StreamResponse(status=answer.status, headers=headers)
        async with upstream.bounded():
            await response.prepare(request)
            async for piece in upstream.pieces(answer):
                await response.write(piece)
                mark("showed")
                copy.add(piece)
        await response.write_eof()
        return response, answer.status


class Copy:
    """What passed by, up to a limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0
        self.complete = True

    def add(self, piece: bytes) -> None:
        """Keep a piece, unless there is too much already."""
        self._size += len(piece)
        self.complete = self._size <= self._limit
        if self.complete:
            self._pieces.append(piece)
        else:
            self._pieces.clear()

    @property
    def data(self) -> bytes:
        """All of it."""
        return b"".join(self._pieces)


@dataclass(frozen=True, slots=True)
class Read:
    """An answer that was read from its bytes.

    turn      as the model wrote it, before any rule has looked at it
    mended    what reading the whole answer has put right
    complete  it was finished
    """

    reader: Reader
    decoding: Decoding
    turn: Turn
    mended: tuple[str, ...]
    complete: bool


def read_turn(data: bytes, plan: Plan) -> Read:
    """Read an answer from its bytes, streamed or whole, as the plan says that it is written."""
    reader = Reader(plan.profile.raw, plan.limit)
    decoding = Decoding(plan, TurnBuilder(keep_thinking=plan.keeps_thinking))
    try:
        read_copy(data, reader, decoding)
        complete = reader.finish_reason is not None
    except (Fault, EventTooLong, orjson.JSONDecodeError):
        complete = False
    decoding.finish(reader)
    _, turn = decoding.builder.finish("cut" if decoding.repeat else reader.ending())
    settled, mended = finished(plan, turn, decoding, reader)
    return Read(reader, decoding, settled, mended, complete)


async def write_down(data: bytes, plan: Plan, services: Services, turn_id: str, started: float) -> None:
    """Judge the copy of an answer and note it as any other turn."""
    read, known = read_turn(data, plan), Knowledge(services.prober.of(plan.model))
    reader, decoding = read.reader, read.decoding
    if not read.complete:
        fault = UpstreamBroken("the model server's answer broke off, or cannot be read", code="truncated")
        end, heard = End(error=fault, complete=True), Heard(reader=reader, fault=fault)
    else:
        reading = Reading(plan, services.upstream, services.checker, plan.limit)
        verdict, unchecked = await judge(reading, read.turn, endless(reading, decoding, reader))
        asked = parses(plan, frozenset()) and not decoding.repeat
        engine, reread = compared(decoding, reader, read.turn, verdict, known.server) if asked else (None, ())
        verdict = replace(verdict, repairs=read.mended + reread + verdict.repairs)
        spent = time.monotonic() - started
        answer = Answer(verdict, reader.raw, reader.tokens(), spent, reader, unchecked, engine, repeat=decoding.repeat)
        end, heard = End(_got(reader), complete=True), Heard(reader=reader, answer=answer)
    subject = Subject(plan, turn_id, (heard,), end, {"total": time.monotonic() - started}, known)
    note(subject, services.journal, services.settings.upstream)


def _got(reader: Reader) -> Turn:
    """Return what the client got: the server's own answer."""
    return Turn("assistant", reader.content, reader.thought, tuple(event.call for event in reader.calls()))


def read_copy(data: bytes, reader: Reader, decoding: Decoding) -> None:
    """Read an answer from its bytes, streamed or whole."""
    if data.lstrip()[:1] == b"{":
        decoding.feed(reader, reader.take_whole(read_json(data)))
        return
    splitter = Splitter(len(data) + 1)
    for event in (*splitter.feed(data), *splitter.finish()):
        decoding.feed(reader, reader.take(event))
