"""Every scanner at n and 4n (row H11), and connections that drip (row H4)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from adapters.registry import DIALECTS
from tests.fake_vllm import FakeVllm
from tests.laws.test_dialects import test_time_is_linear as linear_in_dialects
from tests.reliability.conftest import Begin
from tests.reliability.load import ask, unbounded
from tests.reliability.raw import connected

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


HEAD = b"POST /v1/embeddings HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@pytest.mark.row("H4")
@pytest.mark.slow
async def test_bodies_that_drip_are_cut_and_keep_nobody_out(begin: Begin, vllm: FakeVllm, reached: Say) -> None:
    """300 clients announce 16 MB each, or chunks, and send a byte a second; meanwhile others are served."""
    vllm.says("fine")
    async with begin(vllm.url, config="[limits]\nbody_seconds = 5\n", live=lambda: vllm.live) as served:

        async def drip(at: int) -> float:
            reader, writer = await connected(served.url)
            began = time.monotonic()
            writer.write(
                HEAD + (b"Content-Length: 16000000\r\n\r\n{" if at % 2 else b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n")
            )
            reading = asyncio.create_task(reader.read())
            while not reading.done() and time.monotonic() - began < 30:
                try:
                    writer.write(b"1" if at % 2 else b"1\r\n1\r\n")
                except ConnectionError:
                    break
                await asyncio.wait({reading}, timeout=1)
            writer.transport.abort()
            await asyncio.gather(reading, return_exceptions=True)
            return time.monotonic() - began

        dripping = [asyncio.create_task(drip(at)) for at in range(300)]
        await asyncio.sleep(1)
        async with unbounded() as session:
            statuses = [(await ask(session, served.url, stream=False)).status for _ in range(50)]
        lives = await asyncio.gather(*dripping)
        reached(
            f"300 dripping bodies: cut after {max(lives):.1f} s of 5 (and 2 of lingering); {statuses.count(200)} of 50 others served"
        )
        assert statuses == [200] * 50
        assert max(lives) < 15
