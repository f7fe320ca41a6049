"""F15, F17, F19: signals, the process that checks schemas, and limits of the system."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import aiohttp
import orjson
import pytest

from proxy.demo.speak import Said
from tests.conftest import WAIT
from tests.fake_vllm import FakeVllm
from tests.reliability.conftest import Begin
from tests.reliability.load import Came, ask
from tests.reliability.raw import connected, exchange, post
from tests.reliability.stand import QUIET, Toolmend, bounded
from tests.reliability.until import until

Reached = Callable[[str], None]

PROSE = Said(f"I count: {' '.join(map(str, range(1000, 1060)))}")
CALL = Said("<|tool_call>call:wait{seconds:5}<tool_call|>")


# -- F15: signals


async def streaming(session: aiohttp.ClientSession, served: Toolmend, vllm: FakeVllm, number: int) -> list[asyncio.Task[Came]]:
    """Begin streams, and wait until all of them run."""
    tasks = []
    for _ in range(number):
        tasks.append(asyncio.create_task(ask(session, served.url, stream=True)))
        await asyncio.sleep(0.01)
    await until(lambda: vllm.live == number)
    return tasks


@pytest.mark.row("F15")
@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
async def test_streams_finish_after_a_signal_to_stop(
    begin: Begin, vllm: FakeVllm, session: aiohttp.ClientSession, reached: Reached, times: int
) -> None:
    vllm.says("warm")
    async with begin(vllm.url, live=lambda: vllm.live) as served:
        vllm.says(PROSE)
        vllm.pause = 0.05
        tasks = await streaming(session, served, vllm, 50)
        began = time.monotonic()
        for _ in range(times):
            served.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.5)
        with pytest.raises(ConnectionRefusedError):
            await connected(served.url)
        came = await asyncio.gather(*tasks)
        assert [(each.error, each.done, each.text) for each in came] == [("", True, PROSE.raw)] * 50
        assert await asyncio.to_thread(served.process.wait, 30) == 0
        served.killed = True
        seconds = time.monotonic() - began
    reached(f"{len(came)} of 50 finished, exit 0 after {seconds:.1f} s (SIGTERM {'twice' if times > 1 else 'once'})")
    assert not QUIET or seconds <= 25 + 2


@pytest.mark.row("F15")
@pytest.mark.slow
async def test_what_takes_longer_than_there_is_time_is_cut_and_does_not_look_complete(
    begin: Begin, vllm: FakeVllm, session: aiohttp.ClientSession, reached: Reached, journal: Path
) -> None:
    vllm.says("warm")
    async with begin(vllm.url, "--journal", str(journal), config="[limits]\ndrain_seconds = 1", live=lambda: vllm.live) as served:
        vllm.says(PROSE)
        vllm.pause = 0.2
        tasks = await streaming(session, served, vllm, 10)
        began = time.monotonic()
        assert await served.stop() == 0
        seconds = time.monotonic() - began
        served.killed = True
        came = await asyncio.gather(*tasks)
        assert not any(each.done or each.finish for each in came)
        assert all(each.error or each.events[-1].get("error") for each in came)
        told = sum(each.events[-1].get("error", {}).get("code") == "stopping" for each in came)
        assert told == 10
        assert [(each["outcome"], each["reason"]) for each in served.records()] == [("error", "stopping")] * 10
    reached(
        f"10 of 10 cut, {told} by an error event and {10 - told} by their connection, all recorded, exit 0 after {seconds:.1f} s"
    )
    assert not QUIET or seconds <= 1 + 2


@pytest.mark.row("F15")
@pytest.mark.slow
async def test_after_a_kill_nothing_looks_complete_and_nothing_goes_on(
    begin: Begin, vllm: FakeVllm, session: aiohttp.ClientSession, reached: Reached, journal: Path
) -> None:
    vllm.says("warm")
    async with begin(vllm.url, "--journal", str(journal), live=lambda: vllm.live) as served:
        vllm.says(PROSE)
        vllm.pause = 0.05
        tasks = await streaming(session, served, vllm, 50)
        served.killed = True
        await served.stop(signal.SIGKILL)
        seconds = await until(lambda: not vllm.live)
        came = await asyncio.gather(*tasks)
        assert all(each.error and not each.done for each in came)
    vllm.pause = 0
    async with begin(vllm.url, "--journal", str(journal), live=lambda: vllm.live) as served:
        assert (await ask(session, served.url)).status == 200
    reached(f"SIGKILL: 50 of 50 broken off as such, none upstream after {seconds:.2f} s; it starts again")


# -- F17: the process that checks schemas


async def waits(session: aiohttp.ClientSession, served: Toolmend, *, stream: bool) -> Came:
    came = await ask(session, served.url, tools=[WAIT], stream=stream)
    assert came.calls == {0: {"name": "wait", "arguments": '{"seconds": 5}'}}
    return came


@pytest.mark.row("F17")
@pytest.mark.slow
@pytest.mark.parametrize("how", ["killed before", "killed meanwhile", "hangs"])
async def test_a_checker_that_is_gone_or_hangs_costs_no_answer(
    begin: Begin, vllm: FakeVllm, session: aiohttp.ClientSession, reached: Reached, journal: Path, how: str, stream: bool
) -> None:
    vllm.says(CALL)
    async with begin(vllm.url, "--journal", str(journal), live=lambda: vllm.live) as served:
        for _ in range(5):  # a busy machine may take longer to start one than anybody waits for it
            await waits(session, served, stream=stream)
            if served.children():
                break
        served.base = await served.reading()
        before = len(served.records())
        (first,) = served.children()
        if how == "killed before":
            os.kill(first, signal.SIGKILL)
            await asyncio.sleep(0.1)
            came = await waits(session, served, stream=stream)
        else:
            os.kill(first, signal.SIGSTOP)
            task = asyncio.create_task(waits(session, served, stream=stream))
            if how == "killed meanwhile":
                await asyncio.sleep(0.1)
                os.kill(first, signal.SIGKILL)
            came = await task
            await until(lambda: len(served.records()) > before)
            assert "check" in served.records()[-1]["skipped_rules"][0], "delivered unjudged, and it is written down"
        for _ in range(5):
            again = await waits(session, served, stream=stream)
            if served.children():
                break
        (second,) = served.children()
        assert second != first
        reached(f"{how}: answered after {came.seconds:.2f} s, checked again after {again.seconds:.2f} s")
        assert not QUIET or (came.seconds <= 0.7 and again.seconds <= 1.0)


# -- F19: limits of the system


@pytest.mark.row("F19")
@pytest.mark.slow
async def test_with_few_descriptors_clients_are_refused_and_served_again(
    begin: Begin, vllm: FakeVllm, session: aiohttp.ClientSession, reached: Reached
) -> None:
    vllm.says("warm")
    async with begin(vllm.url, live=lambda: vllm.live, prefix=bounded("-n 64")) as served:
        served.expects = ("Too many open files", "out of system resource")
        vllm.says(PROSE)
        vllm.pause = 0.1
        tasks = []
        for _ in range(100):
            tasks.append(asyncio.create_task(ask(session, served.url, stream=True)))
            await asyncio.sleep(0.01)
        came = await asyncio.wait_for(asyncio.gather(*tasks), 60)
        fine = sum(each.done and each.text == PROSE.raw for each in came)
        assert all(each.done or each.error or each.status >= 500 or "error" in each.events[-1] for each in came)
        refused = Counter(each.error or str(each.status) for each in came if not each.done)
        assert fine
        vllm.pause = 0
        assert (await ask(session, served.url)).status == 200
        assert served.process.poll() is None
    told = ", ".join(f"{number} {what}" for what, number in refused.items())
    reached(f"64 descriptors, 100 clients: {fine} served, others got {told}; served again afterwards")


@pytest.mark.row("F19")
@pytest.mark.slow
async def test_with_little_memory_requests_are_refused_and_the_process_lives(
    begin: Begin, vllm: FakeVllm, session: aiohttp.ClientSession, reached: Reached
) -> None:
    vllm.says("warm")
    async with begin(vllm.url, live=lambda: vllm.live) as free:
        grown = int((Path("/proc") / str(free.process.pid) / "statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE") // 1024
    async with begin(vllm.url, live=lambda: vllm.live, prefix=bounded(f"-v {grown + 16_000}")) as served:
        served.expects = ("",)  # tracebacks of many lines: what they are of is looked at below
        message = {"role": "user", "content": "x" * 12_000_000}
        body = orjson.dumps({"model": "gemma-4-26b", "messages": [message], "tools": [WAIT]})
        heads = await asyncio.gather(*(exchange(served.url, post(body), 40) for _ in range(8)))
        statuses = [each[9:12].decode() for each in heads]
        assert any(each in ("500", "503", "") for each in statuses), statuses
        assert served.process.poll() is None
        vllm.says("fine")
        assert (await ask(session, served.url)).text == "fine"
        printed = re.findall(r"(?m)^[\w.]*(?:Error|Exception)\b", (served.folder / "stderr").read_text())
        assert set(printed) <= {"MemoryError"}
    reached(f"16 MB to spare, 8 bodies of 12 MB: {', '.join(each or 'closed' for each in statuses)}; served again afterwards")
