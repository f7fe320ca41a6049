"""A simulated model server that costs next to nothing: bytes that were made before, over asyncio's own protocol.

    python -m bench.engine --port 9000 --tokens 200 --pause 0.02

It says one thing, streamed or whole, with log-probabilities where it is asked for them. `GET /stats` tells how many streams
it has (`live`), had at most (`peak`) and lost (`aborted`), and how many questions it was asked.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
import uvloop

from proxy.demo.speak import Said, events, whole

LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
STREAMED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def text(tokens: int) -> Said:
    """Return a text of so many tokens of four characters, each with its blank before it, as models write them."""
    return Said("".join(f" {number % 1_000:03d}" for number in range(tokens)))


def call(tokens: int) -> Said:
    """Return a call of a shell, as Gemma writes it, whose command has so many tokens."""
    command = "".join(f"{number % 1_000:03d} " for number in range(tokens))
    return Said(f'<|tool_call>call:bash{{command:<|"|>{command}<|"|>}}<tool_call|>')


def deltas(tokens: int) -> Said:
    """Return a call whose arguments the server parses itself: deltas of a few characters each, as vLLM's parsers send them."""
    command = "".join(f"{number % 1_000:03d} " for number in range(tokens))
    arguments = orjson.dumps({"command": command}).decode()
    return Said(calls=[{"id": "call_1", "type": "function", "function": {"name": "bash", "arguments": arguments}}])


KINDS = {"text": text, "call": call, "deltas": deltas}


def streamed(said: Said, asked: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield the events of an answer; the arguments of a call come in deltas of four characters, as vLLM's parsers send them."""
    for event in events(said, asked):
        if b'"arguments":' not in event:
            yield event
            continue
        body = orjson.loads(event.removeprefix(b"data: "))
        function = body["choices"][0]["delta"]["tool_calls"][0]["function"]
        text = function["arguments"]
        for at in range(0, len(text), 4):
            function["arguments"] = text[at : at + 4]
            yield b"data: " + orjson.dumps(body) + b"\n\n"


def chunk(event: bytes) -> bytes:
    """Write an event as a chunk of its own, as uvicorn does."""
    return b"%x\r\n%b\r\n" % (len(event), event)


@dataclass
class Engine:
    """What it says, and what was asked of it.

    url    where it listens
    ended  when the last event of an answer was sent (monotonic seconds)
    pause  seconds between events; 0: all as fast as it goes
    step   waits until the next event may be sent, where somebody else decides that: it is told the request's `seed`
    """

    said: Said
    pause: float = 0.0
    step: Callable[[int], Awaitable[None]] | None = None
    live: int = 0
    peak: int = 0
    aborted: int = 0
    asked: int = 0
    url: str = ""
    ended: float = 0.0
    _made: dict[tuple[bool, ...], list[bytes]] = field(default_factory=dict)

    def say(self, said: Said, pause: float = 0.0, step: Callable[[int], Awaitable[None]] | None = None) -> None:
        """Say something else from now on."""
        self.said, self.pause, self.step = said, pause, step
        self._made.clear()

    def answer(self, body: Mapping[str, Any]) -> list[bytes]:
        """Return the pieces of an answer: made once for each way of asking."""
        options = body.get("stream_options") or {}
        how = (bool(body.get("stream")), bool(body.get("logprobs")), bool(options.get("include_usage")))
        if how not in self._made:
            asked = {"model": "gemma-4-26b", "logprobs": how[1], "stream_options": {"include_usage": how[2]}}
            self._made[how] = list(map(chunk, streamed(self.said, asked))) if how[0] else [plain(whole(self.said, asked))]
        return self._made[how]

    def stats(self) -> bytes:
        """Return what was asked so far."""
        return plain({name: getattr(self, name) for name in ("live", "peak", "aborted", "asked")})


def plain(value: Any) -> bytes:
    """Write a whole answer with its head."""
    body = orjson.dumps(value)
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


class Connection(asyncio.Protocol):
    """One connection: a request at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._got = b""
        self._ready = asyncio.Event()
        self._ready.set()
        self._sending: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclasses

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._ready.set()
        if self._sending is not None and not self._sending.done():
            self._engine.aborted += 1
            self._sending.cancel()

    def pause_writing(self) -> None:
        self._ready.clear()

    def resume_writing(self) -> None:
        self._ready.set()

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, found, rest = self._got.partition(b"\r\n\r\n")
        if not found:
            return
        length = LENGTH.search(head)
        if length is not None and len(rest) < int(length[1]):
            return
        self._got = b""
        if head.startswith(b"GET"):
            models = {"object": "list", "data": [{"id": "gemma-4-26b", "object": "model"}]}
            self._transport.write(self._engine.stats() if head.startswith(b"GET /stats") else plain(models))
            return
        self._sending = asyncio.ensure_future(self._answer(orjson.loads(rest)))

    async def _answer(self, body: Mapping[str, Any]) -> None:
        engine, pieces = self._engine, self._engine.answer(body)
        engine.asked += 1
        engine.live += 1
        engine.peak = max(engine.peak, engine.live)
        try:
            if not body.get("stream"):
                self._transport.write(pieces[0])
                return
            self._transport.write(STREAMED)
            for piece in pieces:
                self._transport.write(piece)
                if engine.step is not None:
                    await engine.step(int(body.get("seed") or 0))
                elif engine.pause:
                    await asyncio.sleep(engine.pause)
                elif not self._ready.is_set():
                    await self._ready.wait()
            engine.ended = time.monotonic()
            self._transport.write(END)
        finally:
            engine.live -= 1


async def serve(engine: Engine, port: int) -> None:
    """Listen on loopback until ended; say so on standard output."""
    server = await asyncio.get_running_loop().create_server(lambda: Connection(engine), "127.0.0.1", port, backlog=4096)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Read the command line, and serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between two events")
    parser.add_argument("--kind", choices=KINDS, default="text")
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(Engine(KINDS[given.kind](given.tokens), given.pause), given.port))


if __name__ == "__main__":
    main()
