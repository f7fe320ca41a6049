"""What is in cycles is looked for when few are served, and a turn leaves none: what serving costs does not grow with the streams."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Callable, Iterator

import aiohttp
import pytest

from proxy import garbage
from tests.conftest import BASH, Proxy, Start
from tests.fake_vllm import FakeVllm
from tests.reliability.load import ask

CALL = '<|tool_call>call:bash{command:<|"|>ls<|"|>}<tool_call|>'


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The times that all objects were looked at: one entry each."""
    found: list[int] = []
    monkeypatch.setattr(garbage, "PAUSE", 0.01)
    monkeypatch.setattr(gc, "collect", lambda: found.append(1))
    before = gc.get_threshold()
    yield found
    assert gc.get_threshold() == before


async def collected(serving: Callable[[], int], seconds: float = 0.2) -> None:
    """Let it collect for a while."""
    task = asyncio.create_task(garbage.collect(serving))
    await asyncio.sleep(seconds)
    assert gc.get_threshold()[2] == garbage.NEVER
    task.cancel()
    await asyncio.wait({task})


async def test_while_few_are_served_all_is_looked_at(looks: list[int]) -> None:
    await collected(lambda: garbage.FEW)
    assert len(looks) > 1


async def test_while_many_are_served_it_waits(looks: list[int]) -> None:
    await collected(lambda: garbage.FEW + 1)
    assert looks == []


async def test_it_does_not_wait_for_ever(looks: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "PATIENCE", 0.05)
    await collected(lambda: garbage.FEW + 1)
    assert 1 <= len(looks) <= 4


def in_cycles() -> Counter[str]:
    """Name what is garbage in cycles, of ours and of the server's requests."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        names = Counter(f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
    ours = ("proxy.", "adapters.", "rules.", "aiohttp.web")
    return Counter({name: count for name, count in names.items() if name.startswith(ours)})


async def test_a_turn_leaves_nothing_in_cycles(vllm: FakeVllm, start: Start, stream: bool) -> None:
    proxy = Proxy(await start(upstream=vllm.url), vllm, stream)
    vllm.says(f"Well.{CALL}")
    await proxy.ask(tools=[BASH])
    gc.collect()
    gc.disable()
    try:
        async with aiohttp.ClientSession() as session:
            for _ in range(20):
                came = await ask(session, proxy.url, tools=[BASH], stream=stream)
                assert came.calls == {0: {"name": "bash", "arguments": '{"command": "ls"}'}}
        await asyncio.sleep(0.05)
        found = in_cycles()
    finally:
        gc.enable()
    assert all(count < 20 for count in found.values()), found
