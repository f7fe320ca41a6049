"""Silence: it ends a wait at its time, whatever the timer was set to before, and never a pause of the reader's own."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest
from aiohttp.base_protocol import BaseProtocol

from proxy.silence import Silence, Silent


def content() -> aiohttp.StreamReader:
    loop = asyncio.get_running_loop()
    protocol = BaseProtocol(loop)
    protocol.connection_made(asyncio.Transport())
    return aiohttp.StreamReader(protocol, 2**16, loop=loop)


async def test_a_wait_ends_at_its_time() -> None:
    reader = content()
    async with Silence(reader) as silence:
        began = time.monotonic()
        with pytest.raises(Silent):
            await silence.broken(0.05, 10)
        assert time.monotonic() - began >= 0.05


async def test_a_shorter_time_holds_though_a_longer_one_was_set() -> None:
    reader = content()
    async with Silence(reader) as silence:
        reader.feed_data(b"a")
        assert await silence.broken(600, 10) == b"a"
        with pytest.raises(Silent):
            async with asyncio.timeout(5):
                await silence.broken(0.05, 10)


async def test_what_is_heard_moves_the_moment() -> None:
    reader = content()
    async with Silence(reader) as silence:
        for _ in range(5):
            asyncio.get_running_loop().call_later(0.08, reader.feed_data, b"a")
            assert await silence.broken(0.2, 10) == b"a"
        with pytest.raises(Silent):
            await silence.broken(0.1, 10)


async def test_a_reader_that_is_busy_does_not_wait() -> None:
    reader = content()
    async with Silence(reader) as silence:
        reader.feed_data(b"a")
        assert await silence.broken(0.02, 10) == b"a"
        await asyncio.sleep(0.1)
        reader.feed_data(b"b")
        assert await silence.broken(5, 10) == b"b"


async def test_nothing_is_left_behind() -> None:
    reader = content()
    async with Silence(reader) as silence:
        reader.feed_data(b"a")
        await silence.broken(0.05, 10)
    await asyncio.sleep(0.1)
    assert reader.exception() is None
