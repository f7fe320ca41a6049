"""Every scanner at n and 4n (row H11), and connections that drip (row H4)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
import pytest

from adapters.registry import DIALECTS
from bench.client import percentile
from tests.fake_vllm import FakeVllm
from tests.laws.test_dialects import test_time_is_linear as linear_in_dialects
from tests.reliability.conftest import Begin
from tests.reliability.load import ask, unbounded
from tests.reliability.raw import connected
from tests.reliability.stand import QUIET

Say = Callable[[str], None]


@pytest.mark.row("H11")
@pytest.mark.parametrize("name", ["hermes_json"])
def test_scanners_take_linear_time(reached: Say, name: str) -> None:
    """The whole of it, for each dialect there is, is a law (tests/laws/test_dialects.py); other scanners have theirs beside them."""
    linear_in_dialects(DIALECTS[name])
    reached(f"{name}: linear, as tests/laws holds for all {len(DIALECTS)} dialects")


@pytest.mark.row("H11")
@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_every_dialect_takes_linear_time(name: str) -> None:
    linear_in_dialects(DIALECTS[name])


@pytest.mark.row("H4")
@pytest.mark.slow
async def test_heads_that_drip_are_cut(begin: Begin, vllm: FakeVllm, reached: Say) -> None:
    """300 clients send a byte of a head every second, or nothing at all; others are served as before."""
    vllm.says("fine")
    async with begin(vllm.url, live=lambda: vllm.live) as served:

        async def drip(at: int) -> float:
            reader, writer = await connected(served.url)
            began, reading = time.monotonic(), asyncio.create_task(reader.read())
            for each in HEAD + b"X-A: " + b"b" * 100:
                if at % 3:
                    writer.write(bytes([each]))
                await asyncio.wait({reading}, timeout=1)
                if reading.done() or time.monotonic() - began > 40:
                    break
            writer.transport.abort()
            await asyncio.gather(reading, return_exceptions=True)
            return time.monotonic() - began

        lives, more = await beside(served.url, drip)
        reached(f"300 heads: cut after {min(lives):.1f} to {max(lives):.1f} s; p99 of others {more * 1e3:+.1f} ms")
        assert max(lives) < 16
        assert not QUIET or more <= 0.02


async def beside(url: str, drip: Callable[[int], Coroutine[Any, Any, float]]) -> tuple[list[float], float]:
    """Let 300 clients drip. Return how long each was borne, and by how much the p99 of others grew meanwhile, in seconds."""

    async def some() -> list[float]:
        return [await seconds_of(session, url) for _ in range(200)]

    async with unbounded() as session:
        before = await some()
        dripping = [asyncio.create_task(drip(at)) for at in range(300)]
        await asyncio.sleep(1)
        meanwhile = await some()
    return list(await asyncio.gather(*dripping)), percentile(meanwhile, 0.99) - percentile(before, 0.99)


async def seconds_of(session: aiohttp.ClientSession, url: str) -> float:
    """Ask, and return the seconds that it took."""
    came = await ask(session, url, stream=False)
    assert came.status == 200
    return came.seconds


HEAD = b"POST /v1/embeddings HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@pytest.mark.row("H4")
@pytest.mark.slow
@pytest.mark.parametrize("limit", [5, 30])
async def test_bodies_that_drip_are_cut_and_keep_nobody_out(begin: Begin, vllm: FakeVllm, reached: Say, limit: int) -> None:
    """300 clients announce 16 MB each, or chunks, and send a byte a second; meanwhile others are served."""
    vllm.says("fine")
    async with begin(
        vllm.url, config=f"[limits]\nbody_seconds = {limit}\n" if limit != 30 else "", live=lambda: vllm.live
    ) as served:

        async def drip(at: int) -> float:
            reader, writer = await connected(served.url)
            began = time.monotonic()
            writer.write(
                HEAD + (b"Content-Length: 16000000\r\n\r\n{" if at % 2 else b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n")
            )
            reading = asyncio.create_task(reader.read())
            while not reading.done() and time.monotonic() - began < 60:
                try:
                    writer.write(b"1" if at % 2 else b"1\r\n1\r\n")
                except ConnectionError:
                    break
                await asyncio.wait({reading}, timeout=1)
            writer.transport.abort()
            await asyncio.gather(reading, return_exceptions=True)
            return time.monotonic() - began

        lives, more = await beside(served.url, drip)
        reached(f"300 bodies: cut after {max(lives):.1f} s of {limit} (and 2 of lingering); p99 of others {more * 1e3:+.1f} ms")
        assert max(lives) < limit + 4
        assert not QUIET or more <= 0.02
