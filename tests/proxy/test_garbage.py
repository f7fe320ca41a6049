"""What is in cycles is looked for when few are served, and a turn leaves none: what serving costs does not grow with the streams."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import aiohttp
import pytest

from proxy import garbage
from tests.conftest import BASH, Start
from tests.fake_vllm import FakeVllm, refusing, sending
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
    assert len(looks) > 5


async def test_while_many_are_served_it_is_looked_at_less(looks: list[int]) -> None:
    await collected(lambda: 3 * garbage.FEW)
    assert 1 <= len(looks) <= 3


async def test_while_thousands_are_served_it_waits_but_not_for_ever(looks: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    await collected(lambda: 20 * garbage.FEW)
    assert looks == []
    monkeypatch.setattr(garbage, "PATIENCE", 0.05)
    await collected(lambda: 20 * garbage.FEW)
    assert 1 <= len(looks) <= 4


@contextmanager
def uncollected() -> Iterator[Counter[str]]:
    """Name, once the block has ended, what is garbage in cycles, and ours: nobody collects it meanwhile."""
    found: Counter[str] = Counter()
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        names = [f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.garbage]
        found.update(name for name in names if name.startswith(("proxy.", "adapters.", "rules.")))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


BEGUN = b'data: {"id":"a","choices":[{"index":0,"delta":{"content":"I look. "},"finish_reason":null}]}\n\n'
FAILING = {
    "is right": CALL,
    "is mended": '<|tool_call>call:bash{command:<|"|>ls<|"|>,timeout:<|"|>5<|"|>}<tool_call|>',
    "is asked again": "<|tool_call>call:bash{}<tool_call|>",
    "is refused": refusing(500, b'{"error": {"message": "no"}}'),
    "is an error": sending(BEGUN, b'data: {"error": {"message": "out of memory", "code": 500}}\n\n'),
    "is cut": sending(BEGUN, cut=True),
    "just ends": sending(BEGUN),
    "is no JSON": sending(BEGUN, b"data: {no\n\n"),
}


@pytest.mark.parametrize("how", FAILING)
async def test_a_turn_leaves_nothing_in_cycles(vllm: FakeVllm, start: Start, stream: bool, how: str) -> None:
    """However it ends: what waits for the collector may wait for minutes."""
    url, number = await start(upstream=vllm.url), 20
    vllm.says(FAILING[how])
    async with aiohttp.ClientSession() as session:
        await ask(session, url, tools=[BASH], stream=stream)
        with uncollected() as found:
            for _ in range(number):
                await ask(session, url, tools=[BASH], stream=stream)
            await asyncio.sleep(0.1)
    assert all(count < number for count in found.values()), found


async def test_a_client_that_goes_leaves_nothing_in_cycles(vllm: FakeVllm, start: Start, stream: bool) -> None:
    url, number = await start(upstream=vllm.url), 20
    vllm.pause = 0.05
    vllm.says("I look at the first and the second and the third.")
    async with aiohttp.ClientSession() as session:
        await ask(session, url, tools=[BASH], stream=stream)
    with uncollected() as found:
        for _ in range(number):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1), aiohttp.ClientSession() as session:
                    await ask(session, url, tools=[BASH], stream=stream)
        await asyncio.sleep(0.2)
    assert all(count < number for count in found.values()), found
