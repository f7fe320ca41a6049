"""F1, F16: clients that go in every phase of a request, and clients that hardly read."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
import pytest
from aiohttp import web

from proxy.demo.speak import Said
from tests.fake_vllm import FAKE, FakeVllm
from tests.reliability.conftest import Begin
from tests.reliability.injector import reset
from tests.reliability.load import ASK, ask
from tests.reliability.raw import connected, post
from tests.reliability.stand import QUIET
from tests.reliability.until import until

NUMBERS = " ".join(map(str, range(1000, 1400)))
PROSE = Said(f"I count: {NUMBERS}")
CALL = Said(f'<|tool_call>call:bash{{command:<|"|>echo {NUMBERS}<|"|>}}<tool_call|>')
WRONG = Said("<|tool_call>call:bash{}<tool_call|>")

Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def wrong_at_first(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    return await request.app[FAKE]._stream(request, PROSE if len(body["messages"]) > 1 else WRONG, body)


async def asking(url: str, number: int, *, stream: bool) -> list[Client]:
    made = [await connected(url) for _ in range(number)]
    for _, writer in made:
        writer.write(post(orjson.dumps({**ASK, "stream": stream})))
    return made


def go(clients: list[Client]) -> None:
    """Half of them close, half are killed."""
    for at, (_, writer) in enumerate(clients):
        writer.close() if at % 2 else reset(writer)


async def gone(vllm: FakeVllm, clients: list[Client]) -> float:
    """Let clients go; return the seconds after which the model server had no stream any more. Nothing more is asked then."""
    go(clients)
    seconds = await until(lambda: not vllm.live)
    asked = len(vllm.requests)
    await asyncio.sleep(0.2)
    assert len(vllm.requests) == asked, "the model server was asked for somebody who is gone"
    return seconds


async def in_mid_stream(vllm: FakeVllm, url: str, number: int) -> float:
    vllm.says(PROSE)
    clients = await asking(url, number, stream=True)
    for reader, _ in clients:
        await reader.readuntil(b'"content":"I')
    return await gone(vllm, clients)


async def while_a_call_is_held(vllm: FakeVllm, url: str, number: int) -> float:
    vllm.says(CALL)
    clients = await asking(url, number, stream=True)
    await until(lambda: vllm.live == number)
    await asyncio.sleep(0.2)
    return await gone(vllm, clients)


async def while_it_is_asked_again(vllm: FakeVllm, url: str, number: int) -> float:
    vllm.says(wrong_at_first)
    clients = await asking(url, number, stream=True)
    more = max(3, number // 5)
    await until(lambda: len(vllm.requests) == number + more and vllm.live == more)
    return await gone(vllm, clients)


async def in_the_queue(vllm: FakeVllm, url: str, number: int) -> float:
    vllm.says(PROSE)
    served = await asking(url, number, stream=True)
    await until(lambda: vllm.live == number)
    queued = await asking(url, number, stream=False)
    await asyncio.sleep(0.2)
    go(queued)
    await asyncio.sleep(0.2)
    seconds = await gone(vllm, served)
    assert len(vllm.requests) == number
    return seconds


async def while_it_waits_for_a_whole_answer(vllm: FakeVllm, url: str, number: int) -> float:
    vllm.says(PROSE)
    clients = await asking(url, number, stream=False)
    await until(lambda: vllm.live == number)
    return await gone(vllm, clients)


PHASES = (in_mid_stream, while_a_call_is_held, while_it_is_asked_again, in_the_queue, while_it_waits_for_a_whole_answer)


@pytest.mark.row("F1")
@pytest.mark.parametrize("number", [4, pytest.param(20, marks=pytest.mark.slow)])
async def test_a_client_that_goes_ends_its_question_in_every_phase(
    begin: Begin, vllm: FakeVllm, session: aiohttp.ClientSession, reached: Callable[[str], None], number: int
) -> None:
    vllm.says("warm")
    vllm.pause = 0.02
    config = f"[limits]\nmax_streams = {number}\nqueue_seconds = 30"
    longest = 0.0
    async with begin(vllm.url, config=config, live=lambda: vllm.live) as served:
        for phase in PHASES:
            vllm.requests.clear()
            longest = max(longest, await phase(vllm, served.url, number))
        vllm.pause = 0
        vllm.says("all places are free")
        came = await asyncio.gather(*(ask(session, served.url) for _ in range(number)))
        assert [each.status for each in came] == [200] * number
    reached(f"{number * len(PHASES)} of {number * len(PHASES)} ended, nothing upstream after {longest:.2f} s at most")
    assert not QUIET or longest <= 1.0


# -- F16: clients that hardly read


def flood(megabytes: int) -> list[bytes]:
    """Write the events of a text that does not repeat itself."""
    size = 4_000
    texts = (" ".join(map(str, range(at * size, at * size + size // 7))) for at in range(megabytes * 1_000_000 // size))
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "gemma-4-26b"}
    return [
        b"data: "
        + orjson.dumps({**chunk, "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]})
        + b"\n\n"
        for text in texts
    ]


@dataclass
class Flood:
    """Sends as much as is taken. `passed`: bytes that went to the network."""

    events: list[bytes]
    passed: int = 0

    async def answer(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        fake = request.app[FAKE]
        fake.live += 1
        try:
            for each in self.events:
                await response.write(each)
                self.passed += len(each)
        finally:
            fake.live -= 1
        return response


async def slow_reader(url: str, body: dict[str, Any], over: asyncio.Event) -> int:
    """Read 1 KB a second until it is over; return how many bytes were read."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sock.setblocking(False)
        parts = urlsplit(url)
        loop, read = asyncio.get_running_loop(), 0
        await loop.sock_connect(sock, (parts.hostname, parts.port))
        await loop.sock_sendall(sock, post(orjson.dumps(body)))
        while not over.is_set():
            read += len(await loop.sock_recv(sock, 1_024))
            await asyncio.sleep(1)
        return read


@pytest.mark.row("F16")
@pytest.mark.slow
async def test_clients_that_hardly_read_hold_the_model_server_back(
    begin: Begin, vllm: FakeVllm, reached: Callable[[str], None]
) -> None:
    vllm.says("warm")
    number, flooding = 100, Flood(flood(20))
    async with begin(vllm.url, live=lambda: vllm.live) as served:
        vllm.says(flooding.answer)
        readers, over = [], asyncio.Event()
        for at in range(number):
            body = {**ASK, "tools": ASK["tools"][: at % 2], "stream": True}  # half of them are only relayed
            readers.append(asyncio.create_task(slow_reader(served.url, body, over)))
            await asyncio.sleep(0.05)
        passed, settled = -1, 0.0
        while (passed != flooding.passed or vllm.live < number // 2) and settled < 120:
            passed = flooding.passed
            await asyncio.sleep(2)
            settled += 2
        assert vllm.live >= number // 2, "one that has tools and grows without end is ended; a relayed one waits"
        assert served.base is not None
        grown = ((await served.reading()).memory - served.base.memory) / number / 1024
        over.set()
        read = await asyncio.gather(*readers)
        assert all(read)
        assert passed < number * sum(map(len, flooding.events)), "nobody was held back"
    each = passed / number / 1e6
    reached(f"{number} readers: {grown:.0f} KB of memory each, the model server waits after {each:.1f} MB of 20 each")
    assert grown <= 512
