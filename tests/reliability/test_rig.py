"""The rig itself: what it does to a connection, and that its invariants notice what they are for."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.fake_vllm import FakeVllm
from tests.reliability.hostile import hostile, response
from tests.reliability.injector import Faults, injecting
from tests.reliability.load import ask
from tests.reliability.raw import connected, exchange, post
from tests.reliability.stand import SETTLED, Toolmend

CALL = '<|tool_call>call:bash{command:<|"|>ls<|"|>}<tool_call|>'
BODY = bytes(range(256)) * 100


async def fetched(url: str) -> bytes:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return await answer.read()


@pytest.mark.parametrize("faults", [Faults(), Faults(slice=1_000), Faults(latency=0.01), Faults(rate=1e6), Faults(linger=0.05)])
async def test_what_only_delays_changes_no_byte(faults: Faults) -> None:
    async with hostile(response(BODY)) as server, injecting(server.url) as wire:
        wire.down = faults
        assert await fetched(wire.url) == BODY
        assert (wire.opened, len(server.requests)) == (1, 1)


@pytest.mark.parametrize("reset", [False, True])
async def test_a_cut_connection_ends_where_it_was_told_to(reset: bool) -> None:
    async with hostile(response(BODY)) as server, injecting(server.url) as wire:
        wire.down = Faults(cut=5_000, reset=reset)
        with pytest.raises((aiohttp.ClientPayloadError, ConnectionResetError, aiohttp.ClientOSError)):
            await fetched(wire.url)


async def test_a_stalled_connection_neither_goes_on_nor_ends() -> None:
    async with hostile(response(BODY)) as server, injecting(server.url) as wire:
        wire.down = Faults(stall=5_000)
        with pytest.raises(TimeoutError):
            await exchange(wire.url, post(b"{}"), 0.3)
        assert wire.live == 1


async def test_a_refused_connection_is_refused_and_comes_back() -> None:
    async with hostile(response(b"{}")) as server, injecting(server.url) as wire:
        await wire.drop()
        with pytest.raises(aiohttp.ClientConnectorError):
            await fetched(wire.url)
        await wire.listen()
        assert await fetched(wire.url) == b"{}"


async def test_a_turn_passes(served: Toolmend, vllm: FakeVllm, session: aiohttp.ClientSession, stream: bool) -> None:
    vllm.says(CALL)
    came = await ask(session, served.url, stream=stream)
    assert (came.status, came.error, came.finish) == (200, "", "tool_calls")
    assert came.calls == {0: {"name": "bash", "arguments": '{"command": "ls"}'}}
    assert came.done is stream
    assert served.base is not None
    assert served.base.fds > 5


async def test_what_is_not_back_is_noticed(served: Toolmend, session: aiohttp.ClientSession, vllm: FakeVllm) -> None:
    held = [await connected(served.url) for _ in range(3)]
    served.patience = 1.0
    with pytest.raises(AssertionError, match=r"descriptors|tasks"):
        await served.check()
    vllm.live = 1
    with pytest.raises(AssertionError, match="still has streams"):
        await served.check()
    vllm.live = 0
    for _, writer in held:
        writer.close()
    served.patience = SETTLED
    await served.check()


async def test_errors_and_blocked_loops_are_noticed(served: Toolmend) -> None:
    real: Any = served.errors
    served.worked = 2.0
    with pytest.raises(AssertionError, match="step on the loop computed"):
        await served.check()
    served.worked = 0.0
    (served.folder / "stderr").write_text("Task exception was never retrieved\n")
    assert real() == ["Task exception was never retrieved"]
    with pytest.raises(AssertionError):
        await served.check()
    served.expects = ("never retrieved",)
