"""The turnstile: one in each round of the loop, in order, and nobody waits where there is no crowd."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from proxy.room import Turnstile


async def rounds(counted: list[int]) -> None:
    while True:
        counted[0] += 1
        await asyncio.sleep(0)


@pytest.mark.parametrize("at_once", [1, 8])
async def test_a_crowd_passes_few_by_few_in_order(at_once: int) -> None:
    turnstile, now, passed = Turnstile(at_once), [0], []

    async def one(number: int) -> None:
        await turnstile.passed()
        passed.append((number, now[0]))

    counting = asyncio.create_task(rounds(now))
    await asyncio.gather(*(one(number) for number in range(50)))
    counting.cancel()
    assert [number for number, _ in passed] == list(range(50))
    most = max(Counter(moment for _, moment in passed).values())
    assert at_once <= most <= at_once + 1


async def test_who_is_alone_does_not_wait() -> None:
    turnstile = Turnstile()
    for _ in range(3):
        entering = turnstile.passed()
        try:
            entering.send(None)
        except StopIteration:
            pass
        else:
            raise AssertionError("it waited")
        await asyncio.sleep(0)


async def test_who_goes_keeps_nobody_waiting() -> None:
    turnstile = Turnstile()
    crowd = [asyncio.create_task(turnstile.passed()) for _ in range(10)]
    await asyncio.sleep(0)
    for each in crowd[1:9]:
        each.cancel()
    async with asyncio.timeout(5):
        await crowd[9]
        await asyncio.sleep(0)
        await turnstile.passed()
