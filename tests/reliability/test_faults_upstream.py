"""F6 to F10, F18: model servers that are silent, refuse, cannot be reached, close connections that are used again, or restart."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise

import aiohttp
import pytest

from bench.peers import free_port
from proxy.demo.speak import Said
from tests.fake_vllm import FakeVllm
from tests.reliability.conftest import Begin
from tests.reliability.hostile import hostile, listening, response
from tests.reliability.injector import injecting
from tests.reliability.load import Came, ask
from tests.reliability.recorded import chunked, failed, spoken, unframed
from tests.reliability.stand import QUIET

Reached = Callable[[str], None]

WARM = unframed(*spoken(Said("warm")))
WIRE = chunked()
BODY = WIRE.index(b"\r\n\r\n") + 4


# -- F6, F7: silence


@pytest.mark.row("F6")
@pytest.mark.slow
@pytest.mark.parametrize("at", [0, BODY, BODY + 900], ids=["head", "first", "mid"])
async def test_silence_is_given_up_at_its_time(begin: Begin, session: aiohttp.ClientSession, reached: Reached, at: int) -> None:
    config = "[limits]\nfirst_byte_seconds = 3.0\nidle_seconds = 2.0\nheartbeat_after_seconds = 0.5\nheartbeat_seconds = 0.5"
    due = 3.0 if at <= BODY else 2.0
    async with hostile(WARM) as server, begin(server.url, config=config, live=lambda: server.live) as served:

        async def stall(writer: asyncio.StreamWriter) -> None:
            writer.write(WIRE[:at])
            await asyncio.sleep(due + 2)

        server.answers = [stall]
        for stream in (False, True):
            came = await ask(session, served.url, stream=stream)
            assert "limits." in failed(came, stream=stream)
            assert came.seconds >= due
            assert not QUIET or came.seconds <= due * 1.1
            if stream:
                beats = came.data.count(b": ka\n\n")
                assert beats >= (due - 1) / 0.5 - 1
                assert came.status == 200
            else:
                assert came.status == 504
            reached(f"{due:g} s: given up after {came.seconds:.2f} s" + (f", {beats} signs of life" if stream else ""))


@pytest.mark.row("F7")
@pytest.mark.slow
async def test_a_call_of_a_minute_shows_signs_of_life(
    begin: Begin, vllm: FakeVllm, session: aiohttp.ClientSession, reached: Reached
) -> None:
    vllm.says("warm")
    async with begin(vllm.url, live=lambda: vllm.live) as served:
        numbers = " ".join(map(str, range(100, 220)))
        vllm.says(f'<|tool_call>call:bash{{command:<|"|>echo {numbers}<|"|>}}<tool_call|>')
        vllm.pause = 0.5
        began = time.monotonic()
        came = await ask(session, served.url, stream=True)
        assert came.calls[0]["arguments"] == f'{{"command": "echo {numbers}"}}'
        assert came.done
        assert came.seconds >= 60
        gaps = [later - earlier for earlier, later in pairwise([began, *came.moments])]
        reached(f"{came.seconds:.0f} s held, at most {max(gaps):.1f} s between two signs of life")
        assert not QUIET or max(gaps) <= 12


@pytest.mark.row("F7")
@pytest.mark.slow
async def test_an_error_of_the_first_seconds_keeps_its_status(begin: Begin, session: aiohttp.ClientSession) -> None:
    async with hostile(WARM) as server, begin(server.url, live=lambda: server.live) as served:

        async def late(writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(4)
            writer.write(response(b'{"error": {"message": "too long"}}', status="422 Unprocessable"))

        server.answers = [late]
        came = await ask(session, served.url, stream=True)
        assert (came.status, came.data) == (422, b'{"error": {"message": "too long"}}')


# -- F8: refusals

JSON = b'{"error": {"message": "no", "type": "t", "param": null, "code": 1}, "more": 12345678901234567890123}'
HTML = b"<html>\r\n<h1>Bad Gateway</h1>\n</html>\n"
STATUSES = (
    *(
        "400 Bad Request",
        "401 Unauthorized",
        "402 Pay",
        "403 Forbidden",
        "404 Not Found",
        "405 No",
        "408 Timeout",
        "409 Conflict",
    ),
    *("413 Large", "418 Teapot", "422 Odd", "451 Law", "499 Gone", "500 Error", "501 None", "502 Bad", "503 Busy", "504 Late"),
    *("520 Odd", "529 Overloaded", "599 Odd"),
)


@pytest.mark.row("F8")
async def test_refusals_pass_as_they_came(begin: Begin, session: aiohttp.ClientSession, reached: Reached) -> None:
    passed = 0
    async with hostile(WARM) as server, begin(server.url, live=lambda: server.live) as served:
        for number, status in enumerate(STATUSES):
            for body, kind in ((JSON, "application/json"), (HTML, "text/html; charset=utf-8"), (b"", "application/json")):
                stream, path = bool((number + passed) % 2), ("/v1/chat/completions", "/v1/embeddings")[passed % 5 == 4]
                server.requests.clear()
                sent = ("Retry-After: 17", f"X-Request-Id: r{passed}")
                server.answers = [response(body, *sent, status=status, kind=kind)]
                came = await ask(session, served.url, path=path, stream=stream)
                assert (came.status, came.data) == (int(status[:3]), body)
                told = [came.headers[name] for name in ("content-type", "retry-after", "x-request-id")]
                assert told == [kind, "17", f"r{passed}"]
                assert len(server.requests) == 1
                passed += 1
    reached(f"{passed} of {passed} byte for byte, each asked once")


@pytest.mark.row("F8")
async def test_a_429_is_waited_out_or_told_as_503(begin: Begin, session: aiohttp.ClientSession, reached: Reached) -> None:
    busy = response(b"{}", "Retry-After: 0.1", status="429 Too Many")
    async with hostile(WARM) as server, begin(server.url, live=lambda: server.live) as served:
        for stream in (False, True):
            server.answers = [busy, busy, WIRE]
            came = await ask(session, served.url, stream=stream)
            assert (came.status, len(came.calls)) == (200, 1)
            server.answers = [response(b"{}", "Retry-After: 60", status="429 Too Many")]
            came = await ask(session, served.url, stream=stream)
            assert (came.status, came.headers["retry-after"]) == (503, "61")
    reached("429 is waited out, or told as 503 with Retry-After")


# -- F9: no connection


@asynccontextmanager
async def full() -> AsyncIterator[str]:
    """Listen, and take nobody: the queue is full, so that whoever comes gets no answer at all."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen(0)
        fillers = [socket.socket() for _ in range(8)]
        for each in fillers:
            each.setblocking(False)
            each.connect_ex(held.getsockname())
        await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{held.getsockname()[1]}"
        for each in fillers:
            each.close()


@dataclass
class Slammed:
    """A server that resets each connection as soon as it is asked something."""

    url: str = ""
    taken: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.taken += 1
        await reader.read(100)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()


@asynccontextmanager
async def slammed() -> AsyncIterator[Slammed]:
    made = Slammed()
    async with listening(made.serve) as made.url:
        yield made


@pytest.mark.row("F9")
@pytest.mark.slow
async def test_no_connection_is_told_soon(begin: Begin, vllm: FakeVllm, session: aiohttp.ClientSession, reached: Reached) -> None:
    vllm.says("warm")
    async with full() as nobody, slammed() as door:
        urls = {
            "refused": f"http://127.0.0.1:{free_port()}",
            "unknown": "http://nowhere.invalid:8000",
            "half-open": nobody,
            "reset": door.url,
        }
        config = "\n".join(f'[[server]]\nurl = "{url}"\nmodels = ["{name}"]' for name, url in urls.items())
        async with begin(vllm.url, config=config, live=lambda: vllm.live) as served:
            asked = [(name, stream) for name in urls for stream in (False, True)]
            answers = await asyncio.gather(*(ask(session, served.url, model=name, stream=stream) for name, stream in asked))
            longest: dict[str, float] = {}
            for (name, stream), came in zip(asked, answers, strict=True):
                assert came.status in (502, 504)
                assert "is it running" in failed(came, stream=stream)
                longest[name] = max(longest.get(name, 0.0), came.seconds)
            assert door.taken == 4, "each was tried twice"
            reached("; ".join(f"{name}: {seconds:.2f} s" for name, seconds in longest.items()) + "; tried twice where reset")
            assert not QUIET or max(longest.values()) <= 3.5


# -- F10: connections that are closed as they are used again


@dataclass
class Forgetful:
    """A server that keeps a connection for so many seconds between an answer and the next question. It counts the questions that it read."""

    idle: float
    url: str = ""
    asked: int = 0
    closed: int = 0
    live: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pieces = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in spoken(Said("fine")))
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        wait = None
        try:
            while True:
                async with asyncio.timeout(wait):
                    asked = await reader.readuntil(b"\r\n\r\n")
                wait = self.idle
                length = int(asked.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
                self.asked += 1
                writer.write(head + pieces + b"0\r\n\r\n")
                await writer.drain()
        except (OSError, EOFError):  # TimeoutError is an OSError
            self.closed += 1
        finally:
            writer.close()


@asynccontextmanager
async def forgetful(idle: float) -> AsyncIterator[Forgetful]:
    made = Forgetful(idle)
    async with listening(made.serve) as made.url:
        yield made


@pytest.mark.row("F10")
@pytest.mark.parametrize(("number", "idle"), [(200, 0.01), pytest.param(1000, 0.15, marks=pytest.mark.slow)])
async def test_connections_that_are_closed_as_they_are_used_again(
    begin: Begin, session: aiohttp.ClientSession, reached: Reached, number: int, idle: float
) -> None:
    chance, clients = random.Random(10), 8 if idle < 0.1 else 20
    async with forgetful(idle) as server, begin(server.url) as served:
        server.asked = server.closed = 0

        came: list[Came] = []
        for _ in range(number // clients):  # all at once, when all connections have been idle for about as long as they may
            came += await asyncio.gather(*(ask(session, served.url, stream=bool(at % 2)) for at in range(clients)))
            await asyncio.sleep(idle * chance.uniform(0.9, 1.02))
        assert [(each.status, each.error, each.text) for each in came] == [(200, "", "fine")] * number
        assert server.asked == number, "a question was asked twice"
        assert server.closed > clients
    reached(f"0 errors of {number}, asked {server.asked} times, {server.closed} connections closed")


# -- F18: a restart


@pytest.mark.row("F18")
@pytest.mark.slow
async def test_a_model_server_that_restarts_is_served_from_again(
    begin: Begin, vllm: FakeVllm, session: aiohttp.ClientSession, reached: Reached
) -> None:
    vllm.says("warm")
    async with injecting(vllm.url) as wire, begin(wire.url, live=lambda: vllm.live) as served:
        vllm.says("fine, and this takes a while to say")
        vllm.pause, going = 0.01, True
        seen: list[tuple[float, float, Came]] = []

        async def client(at: int) -> None:
            while going:
                began = time.monotonic()
                came = await ask(session, served.url, stream=bool(at % 2))
                seen.append((began, time.monotonic(), came))
                await asyncio.sleep(0.05)

        clients = [asyncio.create_task(client(at)) for at in range(10)]
        await asyncio.sleep(1)
        await wire.drop()
        down = time.monotonic()
        await asyncio.sleep(1)
        await wire.listen()
        up = time.monotonic()
        await asyncio.sleep(4)
        going = False
        await asyncio.gather(*clients)

        fine = [(began, ended) for began, ended, came in seen if came.text and came.finish == "stop"]
        for at, (began, _, came) in enumerate(seen):
            assert (came.finish == "stop") or came.status == 502 or came.events[-1]["error"], at
            assert came.finish == "stop" or began < up, "a request that came when the server was back failed"
        assert any(ended < down for _, ended in fine)
        seconds = min(ended for _, ended in fine if ended > up) - up
    failures = sum(came.finish != "stop" for *_, came in seen)
    reached(f"served again after {seconds:.2f} s; {failures} of {len(seen)} requests failed, all while it was away")
    assert not QUIET or seconds <= 2
