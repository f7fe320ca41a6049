"""Rows L1 to L11: many at once, long, slow and fast. The engine is a process of its own that costs next to nothing (`bench/`)."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bench.client import Answer, ask_all, open_all, open_in_turn, percentile, request
from bench.engine import text
from proxy.demo.speak import Said
from tests.conftest import MODEL
from tests.fake_vllm import FakeVllm
from tests.reliability.load import ASK, ask
from tests.reliability.stand import QUIET, ROOT, Toolmend
from tests.reliability.until import until

Reached = Callable[[str], None]
STREAM = {**ASK, "stream": True}
ELEVEN = [
    {
        "type": "function",
        "function": {
            "name": f"tool_{number}",
            "description": "Does one of eleven things. " * 4,
            "parameters": {
                "type": "object",
                "properties": {f"p{at}": {"type": "string", "description": "what it is for"} for at in range(4)},
                "required": ["p0"],
            },
        },
    }
    for number in range(11)
]


@dataclass
class Engine:
    """The engine's process."""

    url: str

    async def stats(self) -> dict[str, int]:
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/stats") as answer:
            return json.loads(await answer.read())  # type: ignore[no-any-return]  # it is one


@asynccontextmanager
async def engine(*options: str) -> AsyncIterator[Engine]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.engine", *options, cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield Engine((await process.stdout.readline()).decode().strip())
    finally:
        process.terminate()
        await process.wait()


def all_came(answers: list[Answer], events: int) -> None:
    """Assert that nothing was lost: each came to its proper end, with so many events or more (comments are none)."""
    assert {each.status for each in answers} == {200}
    assert all(each.done for each in answers)
    assert min(each.events for each in answers) >= events


def all_said(answers: list[Answer], tokens: int) -> None:
    """Assert that each came to its end with all of its text, however many events that was: what one read brings is written as one."""
    assert {each.status for each in answers} == {200}
    for each in answers:
        lines = [line[6:] for line in each.tail.split(b"\n") if line.startswith(b"data: {")]
        choices = [choice for line in lines for choice in json.loads(line)["choices"]]
        assert each.done
        assert "".join(choice["delta"].get("content") or "" for choice in choices) == text(tokens).raw


async def cpu_of(served: Toolmend, work: Callable[[], Any]) -> tuple[float, Any]:
    """Return what toolmend computed while something was done, in seconds, and what came of it."""
    before = await served.reading()
    found = await work()
    return (await served.reading()).cpu - before.cpu, found


@pytest.mark.row("L1")
@pytest.mark.slow
async def test_paced_streams(begin: Any, reached: Reached) -> None:
    async with engine("--tokens", "200", "--pause", "0.05") as served_by, begin(served_by.url) as served:
        direct = await ask_all(served_by.url, request(STREAM), 200)
        cost, through = await cpu_of(served, lambda: ask_all(served.url, request(STREAM), 200, keep=True))
        all_said(through, 200)
        each = cost / (200 * 200)
        ours, theirs = (percentile([gap for a in those for gap in a.gaps], 0.99) for those in (through, direct))
        reached(f"{each * 1e6:.0f} us CPU an event; p99 between reads {ours * 1e3:.0f} ms, direct {theirs * 1e3:.0f} ms; 0 lost")
        assert each <= 80e-6
        assert not QUIET or ours - theirs <= 0.02


@pytest.mark.row("L2")
@pytest.mark.slow
@pytest.mark.parametrize("tools", [False, True], ids=["relayed", "looked-at"])
async def test_streams_as_fast_as_they_go(begin: Any, reached: Reached, tools: bool) -> None:
    body = {**STREAM, "stream_options": {"include_usage": True}}
    if not tools:
        body.pop("tools")
    async with (
        engine("--tokens", "2000") as served_by,
        begin(served_by.url, "--mode", "off" if not tools else "repair") as served,
    ):
        cost, through = await cpu_of(served, lambda: ask_all(served.url, request(body), 20, keep=True))
        if tools:
            all_said(through, 2_000)
        else:
            all_came(through, 2_000)
        each = cost / (20 * 2_000)
        reached(f"{'looked at' if tools else 'mode off'}: {each * 1e6:.1f} us CPU an event")
        assert each <= 20e-6


@pytest.mark.row("L3")
@pytest.mark.slow
async def test_whole_answers(begin: Any, reached: Reached) -> None:
    data = request({**ASK, "tools": ELEVEN})
    rounds, at_once = 100, 16

    async def many(url: str) -> list[Answer]:
        return [each for _ in range(rounds) for each in await ask_all(url, data, at_once)]

    async with engine("--tokens", "40") as served_by, begin(served_by.url) as served:
        await many(served.url)
        direct = await many(served_by.url)
        cost, through = await cpu_of(served, lambda: many(served.url))
        assert {each.status for each in through} == {200}
        each = cost / len(through)
        ours, theirs = (percentile([answer.first for answer in those], 0.99) for those in (through, direct))
        reached(f"{each * 1e6:.0f} us CPU a request; p99 {ours * 1e3:.1f} ms, {ours / theirs:.1f} times direct")
        assert each <= 500e-6
        assert not QUIET or ours <= 3 * theirs


@pytest.mark.row("L4")
@pytest.mark.slow
async def test_idle_streams(begin: Any, reached: Reached) -> None:
    limits = "[limits]\nmax_streams = 2100\n"
    async with engine("--tokens", "3", "--pause", "40") as served_by, begin(served_by.url, config=limits) as served:
        before = (await served.reading()).memory
        held: list[Any] = []
        said = []
        for count in (500, 1_000, 2_000):
            held += await open_in_turn(served.url, request(STREAM), count - len(held))
            await asyncio.wait_for(asyncio.gather(*(each.begun for each in held)), 60)
            each = ((await served.reading()).memory - before) / count
            said.append(f"{count:,}: {each / 1024:.0f} KB")
        for one in held:
            one.transport.abort()
        reached("; ".join(said))
        assert each <= 64 * 1024


@pytest.mark.row("L5")
@pytest.mark.slow
async def test_the_first_byte(begin: Any, reached: Reached) -> None:
    async with engine("--tokens", "20") as served_by, begin(served_by.url) as served:
        found: dict[str, list[float]] = {served_by.url: [], served.url: []}
        for _ in range(500):
            for url, seconds in found.items():
                seconds.append((await ask_all(url, request(STREAM), 1))[0].first)
        direct, ours = found.values()
        added = [(percentile(ours, share) - percentile(direct, share)) * 1e3 for share in (0.5, 0.99)]
        reached(f"median {added[0]:.2f} ms above direct, p99 {added[1]:.2f} ms")
        assert not QUIET or (added[0] <= 2 and added[1] <= 15)


@pytest.mark.row("L6")
@pytest.mark.slow
async def test_large_calls(begin: Any, reached: Reached) -> None:
    async with engine("--kind", "call", "--tokens", "25000") as served_by, begin(served_by.url) as served:
        before = (await served.reading()).memory
        peak = before

        async def look() -> None:
            nonlocal peak
            while True:
                peak = max(peak, (await served.reading()).memory)
                await asyncio.sleep(0.2)

        looking = asyncio.create_task(look())
        cost, through = await cpu_of(served, lambda: ask_all(served.url, request(STREAM), 20, keep=True))
        looking.cancel()
        assert all(each.done and b"tool_calls" in each.tail for each in through)
        assert all(len(each.tail) > 100_000 for each in through)
        memory, seconds = (peak - before) / 20, cost / 20
        reached(f"{memory / 2**20:.1f} MB and {seconds:.2f} s CPU a stream (log-probabilities on: 25,000 events of 200 bytes)")
        assert memory <= 2**20
        assert seconds <= 0.5


@pytest.mark.row("L7")
async def test_more_than_may_be_served(begin: Any, reached: Reached) -> None:
    limits = "[limits]\nmax_streams = 20\nqueue_seconds = 0.01\n"
    async with engine("--tokens", "10", "--pause", "0.1") as served_by, begin(served_by.url, config=limits) as served:
        first = await open_all(served.url, request(STREAM), 20)
        while (await served_by.stats())["live"] < 20:
            await asyncio.sleep(0.01)
        late = await ask_all(served.url, request(STREAM), 20, keep=True)
        served_all = await asyncio.gather(*(each.over for each in first))
        all_came(list(served_all), 10)
        assert {each.status for each in late} == {503}
        assert all(b"retry-after" in each.tail.lower() for each in late)
        slowest = max(each.first for each in late)
        reached(f"20 of 20 refused, the last within {slowest * 1e3:.0f} ms; 20 of 20 finished")
        assert not QUIET or slowest <= 0.05


@pytest.mark.row("L9")
@pytest.mark.parametrize("count", [100, pytest.param(2_000, marks=pytest.mark.slow)])
async def test_connect_read_kill(begin: Any, reached: Reached, count: int) -> None:
    limits = "[limits]\nmax_streams = 2100\n"
    pause = "0.1" if count < 1_000 else "1"  # or 2,000 streams are 20,000 events a second
    async with engine("--tokens", "600", "--pause", pause) as served_by, begin(served_by.url, config=limits) as served:
        longest, before = 0.0, (await served_by.stats())["aborted"]
        for _ in range(5):
            asking = await open_in_turn(served.url, request(STREAM), count)
            await asyncio.wait_for(asyncio.gather(*(each.begun for each in asking)), 60)
            began = time.monotonic()
            for each in asking:
                each.transport.abort()
            while (await served_by.stats())["live"]:
                assert time.monotonic() - began < 10, "streams are left at the model server"
                await asyncio.sleep(0.02)
            longest = max(longest, time.monotonic() - began)
        stats = await served_by.stats()
        assert stats["aborted"] - before == 5 * count
        reached(f"5 x {count:,}: all gone upstream after {longest:.2f} s at the most")
        assert not QUIET or longest <= 1


@pytest.mark.row("L11")
@pytest.mark.slow
async def test_a_slow_model_server(begin: Any, reached: Reached, vllm: FakeVllm) -> None:
    vllm.says("warm")
    limits = "[limits]\nmax_streams = 100\n"
    async with begin(vllm.url, config=limits, live=lambda: vllm.live) as served:
        vllm.says(Said("word " * 10))
        vllm.pause = 1.0
        before = (await served.reading()).memory
        answers = await ask_all(served.url, request(STREAM), 200)
        grown = (await served.reading()).memory - before
        refused = [each for each in answers if each.status == 503]
        all_came([each for each in answers if each.status == 200], 10)
        seconds = [each.first for each in refused]
        assert len(refused) == 100
        reached(f"100 of 200 refused after {min(seconds):.2f} to {max(seconds):.2f} s; {grown / 2**20:.1f} MB more")
        assert not QUIET or 4.9 <= min(seconds) <= max(seconds) <= 5.5
        assert grown <= 30 * 2**20


SLOW_PATTERN = {"type": "string", "pattern": "^(a+)+$"}


@pytest.mark.row("L10")
@pytest.mark.slow
async def test_schemas_that_are_slow_to_check(begin: Any, reached: Reached, vllm: FakeVllm, journal: Path) -> None:
    vllm.says("warm")
    async with begin(vllm.url, "--journal", str(journal), live=lambda: vllm.live) as served:

        def tool(number: int) -> dict[str, Any]:
            parameters = {"type": "object", "properties": {"command": {**SLOW_PATTERN, "description": str(number)}}}
            return {"type": "function", "function": {"name": "bash", "parameters": parameters}}

        vllm.says(f'<|tool_call>call:bash{{command:<|"|>{"a" * 40}!<|"|>}}<tool_call|>')
        async with aiohttp.ClientSession() as session:  # the checker has its pipes from now on
            await ask(session, served.url, tools=[tool(-1)], model=MODEL)
        await until(lambda: len(served.records()) == 1)
        await until(lambda: len(served.children()) == 1, 10)
        await asyncio.sleep(1)
        served.base = await served.reading()

        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            came = await asyncio.gather(*(ask(session, served.url, tools=[tool(number)], model=MODEL) for number in range(50)))
        assert {each.status for each in came} == {200}
        assert all(each.calls for each in came)
        seconds = [each.seconds for each in came]
        await until(lambda: len(served.records()) == 51)
        skipped = [each for each in served.records()[1:] if "check" in "".join(each["skipped_rules"])]
        reached(f"50 of 50 answered, the last after {max(seconds):.2f} s, {len(skipped)} unchecked and told so")
        assert len(skipped) == 50
