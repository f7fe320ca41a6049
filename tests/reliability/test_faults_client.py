"""F1, F16: clients that go in every phase of a request, and clients that hardly read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

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
