"""What is sent a second time: always where a kept connection turns out to be closed, else as far as its budget goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import aiohttp
import orjson

from proxy.demo.speak import Said, whole
from proxy.retries import Retries
from tests.conftest import BASH, MODEL, Start

ASK = {"model": MODEL, "messages": [{"role": "user", "content": "go"}], "tools": [BASH]}
ANSWER = orjson.dumps(whole(Said("fine"), {}))


@asynccontextmanager
async def slamming(answers: Callable[[int], bool]) -> AsyncIterator[tuple[str, list[int]]]:
    """Serve connections that are kept; a question (by its number on its connection) may be answered by closing it."""
    asked: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            await served(reader, writer)
        writer.close()

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = 0
        while head := await reader.readuntil(b"\r\n\r\n"):
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
            asked.append(number)
            if not answers(number):
                break
            await asyncio.sleep(0.05)
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ANSWER)
            writer.write(head + ANSWER)
            number += 1

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    server.close()


async def statuses(url: str, number: int) -> list[int]:
    async with aiohttp.ClientSession() as session:

        async def ask() -> int:
            async with session.post(f"{url}/v1/chat/completions", json=ASK) as response:
                return response.status

        return await asyncio.gather(*(ask() for _ in range(number)))


async def test_kept_connections_that_are_closed_cost_nobody_an_answer(start: Start) -> None:
    async with slamming(lambda number: number == 0) as (server, asked):
        url = await start(upstream=server)
        assert await statuses(url, 20) == [200] * 20
        assert await statuses(url, 20) == [200] * 20
        assert asked.count(1) == 20, "each was sent on a kept connection, and then on a new one, where it was answered"


async def test_a_server_that_always_fails_is_not_asked_twice_as_often(start: Start) -> None:
    async with slamming(lambda number: False) as (server, asked):
        assert await statuses(await start(upstream=server), 50) == [502] * 50
        assert 50 <= len(asked) <= 50 * 1.2 + 3


def test_the_budget_fills_with_what_is_sent() -> None:
    retries = Retries()
    assert [retries.take() for _ in range(4)] == [True, True, True, False]
    for _ in range(5):
        retries.sent()
    assert [retries.take(), retries.take()] == [True, False]
    for _ in range(1000):
        retries.sent()
    assert [retries.take() for _ in range(4)] == [True, True, True, False]
