"""The checker: right answers from the child process, and a `Skipped` in time where there is none to be had."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from proxy.checker import UNHURRIED, Checker, Findings, Skipped, Terms
from rules.conversation import ToolCall, ToolSpec

WAIT = ToolSpec("wait", "", {"type": "object", "properties": {"seconds": {"type": "integer"}}, "required": ["seconds"]})
SLOW = ToolSpec("slow", "", {"type": "object", "properties": {"x": {"type": "string", "pattern": "^(a+)+$"}}})


def call(**arguments: Any) -> ToolCall:
    return ToolCall("c1", "wait", arguments)


@pytest.fixture
async def checker() -> AsyncIterator[Checker]:
    checker = Checker(UNHURRIED)  # the machine may be busy
    yield checker
    await checker.aclose()


def pid(checker: Checker) -> int:
    assert checker._process
    return checker._process.pid


async def test_finds_what_is_wrong(checker: Checker) -> None:
    outcome = await checker.check(call(), WAIT)
    assert isinstance(outcome, Findings)
    assert [(each.path, each.keyword) for each in outcome.items] == [("$.seconds", "required")]
    assert await checker.check(call(seconds=3), WAIT) == Findings()
    assert isinstance(await checker.check(ToolCall("c1", "wait", "no object"), WAIT), Findings)


@pytest.mark.parametrize("seconds", ["\ud800", 10**40, float("nan"), [[[]]], None, "x" * 1_000_000])
async def test_any_value_can_be_judged(seconds: Any) -> None:
    checker = Checker(Terms(deadline=5))  # this is about values, and the machine may be busy
    outcome = await checker.check(call(seconds=seconds), WAIT)
    await checker.aclose()
    assert isinstance(outcome, Findings)
    assert bool(outcome.items) is not (seconds == 10**40)


async def test_a_slow_pattern_is_cut_off_and_does_not_hold_the_loop(checker: Checker) -> None:
    await checker.check(call(), WAIT)
    gaps: list[float] = []

    async def tick() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            gaps.append(time.perf_counter() - before)

    ticker = asyncio.create_task(tick())
    started = time.perf_counter()
    outcome = await checker.check(call(x="a" * 40 + "!"), SLOW)
    seconds = time.perf_counter() - started
    ticker.cancel()
    assert outcome == Skipped("the check took longer than 0.25 s")
    assert seconds < 1.5  # 0.25 on an idle machine; unbounded without the kill
    assert max(gaps) < 0.2
    assert isinstance(await checker.check(call(), WAIT), Findings)


async def test_a_schema_that_was_slow_twice_is_let_be(checker: Checker) -> None:
    for _ in range(2):
        await checker.check(call(x="a" * 40 + "!"), SLOW)
    started = time.perf_counter()
    assert await checker.check(call(x="a"), SLOW) == Skipped("checks against this schema took too long before")
    assert time.perf_counter() - started < 0.05
    assert await checker.check(call(seconds=1), WAIT) == Findings()


async def test_a_good_check_clears_the_record(checker: Checker) -> None:
    for _ in range(3):
        await checker.check(call(x="a" * 40 + "!"), SLOW)
        if isinstance(await checker.check(call(x="a"), SLOW), Skipped):
            pytest.fail("one time-out must not condemn a schema")


async def test_a_bomb_of_a_schema_ends_in_time(checker: Checker) -> None:
    levels: Any = {f"l{n}": {"allOf": [{"$ref": f"#/$defs/l{n + 1}"}] * 2} for n in range(20)}
    bomb = ToolSpec("bomb", "", {"$ref": "#/$defs/l0", "$defs": {**levels, "l20": {"type": "object"}}})
    started = time.perf_counter()
    assert isinstance(await checker.check(call(seconds=1), bomb), Skipped)
    assert time.perf_counter() - started < 2.5


async def test_a_killed_worker_costs_one_answer_at_most(checker: Checker) -> None:
    await checker.check(call(), WAIT)
    os.kill(pid(checker), signal.SIGKILL)
    started = time.perf_counter()
    await checker.check(call(), WAIT)
    assert time.perf_counter() - started < 5
    assert isinstance(await checker.check(call(), WAIT), Findings)


async def test_a_cancelled_check_leaves_no_answer_behind(checker: Checker) -> None:
    await checker.check(call(), WAIT)
    task = asyncio.create_task(checker.check(call(x="a" * 40 + "!"), SLOW))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await checker.check(call(seconds=1), WAIT) == Findings()


async def test_too_many_checks_are_skipped_and_none_waits_for_ever() -> None:
    checker = Checker(Terms(waiting=4, patience=0.3))
    try:
        await checker.check(call(), WAIT)
        started = time.perf_counter()
        slow = [checker.check(call(x="a" * 40 + "!"), SLOW) for _ in range(50)]
        outcomes = await asyncio.gather(*slow)
        assert time.perf_counter() - started < 6  # one after the other they would take 12
        reasons = {each.reason for each in outcomes if isinstance(each, Skipped)}
        assert "too many checks are waiting" in reasons
        assert all(isinstance(each, Skipped) for each in outcomes)
    finally:
        await checker.aclose()


async def test_what_json_cannot_carry_is_skipped(checker: Checker) -> None:
    deep: list[Any] = []
    for _ in range(50_000):  # Python 3.13 writes ten thousand levels
        deep = [deep]
    assert isinstance(await checker.check(call(seconds=deep), WAIT), Skipped)


async def test_nothing_is_fetched(checker: Checker) -> None:
    outcome = await checker.check(call(seconds=1), ToolSpec("wait", "", {"$ref": "file:///etc/passwd"}))
    assert isinstance(outcome, Skipped)


async def test_closing_leaves_no_process() -> None:
    checker = Checker()
    await checker.check(call(), WAIT)
    child = pid(checker)
    await checker.aclose()
    with pytest.raises(ProcessLookupError):  # a zombie would still be there
        os.kill(child, 0)
    assert await checker.check(call(), WAIT) == Skipped("the checker is closed")


async def test_closing_while_it_starts_leaves_no_process() -> None:
    checker = Checker()
    task = asyncio.create_task(checker.check(call(), WAIT))
    await asyncio.sleep(0.02)
    await checker.aclose()
    await task  # judged or skipped, whichever came first
    assert checker._process is None
    assert not checker._reaping


async def test_the_worker_does_not_see_our_keys(checker: Checker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLMEND_UPSTREAM_KEY", "sk-canary")
    await checker.check(call(), WAIT)
    with open(f"/proc/{pid(checker)}/environ", "rb") as environment:  # noqa: ASYNC230 - a test may wait
        assert b"canary" not in environment.read()
