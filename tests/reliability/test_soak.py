"""Row L8: mixed traffic for half an hour, with clients that go, turns to mend, and a model server that is restarted.

The engine (`tests/e2e/scale/engine.py`) says what follows from the request alone, so each answer is held against the one that it must be.
`TOOLMEND_SOAK_SECONDS` makes it shorter.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from bench.peers import free_port
from tests.e2e.scale.engine import kind, right
from tests.reliability.load import ASK, JSON, Came, ask, unbounded
from tests.reliability.stand import QUIET, ROOT, Toolmend

SECONDS = float(os.environ.get("TOOLMEND_SOAK_SECONDS", "1800"))
RATE = 20.0
ABORTED, WRONG = 0.10, 0.05
RESTARTS = 5
FORGIVEN = 5.0
"""Seconds around a restart in which a request may fail, though not be wrong."""

COMMAND_AND_TIMEOUT = {
    "type": "function",
    "function": {
        "name": "bash",
        "parameters": {
            "type": "object",
            "properties": {"command": {"type": "string"}, "timeout": {"type": "integer"}},
            "required": ["command", "timeout"],
        },
    },
}


@dataclass
class Ledger:
    """What came. `wrong`: answers that were another than the one that there must be; `failed`: moments of those that broke."""

    came: Counter[str] = field(default_factory=Counter)
    wrong: list[Any] = field(default_factory=list)
    failed: list[tuple[float, Any]] = field(default_factory=list)
    restarts: list[float] = field(default_factory=list)


class Engine:
    """The simulated engine, which can be killed and started again on its port."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        words = [sys.executable, "-m", "tests.e2e.scale.engine", "--port", str(self.port), "--pause", "0.01"]
        self._process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: ASYNC220
        async with aiohttp.ClientSession() as session:
            for _ in range(600):
                try:
                    async with session.get(f"{self.url}/v1/models"):
                        return
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)
        raise AssertionError("the engine did not start")

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()


def body(number: int, *, stream: bool, wrong: bool) -> tuple[str, dict[str, Any]]:
    """Return the name of a conversation, and its first request. Every fourth name is answered rightly at once."""
    name = f"c{4 * number + (1 + number % 3 if wrong else 0)}"
    messages = [
        {"role": "system", "content": "You work in a shell."},
        {"role": "user", "content": f"This is conversation {name}."},
    ]
    return name, {**ASK, "tools": [COMMAND_AND_TIMEOUT], "messages": messages, "stream": stream}


async def leave(session: aiohttp.ClientSession, url: str, asked: dict[str, Any]) -> None:
    """Ask, and go after the first bytes."""
    async with session.post(f"{url}/v1/chat/completions", data=orjson.dumps(asked), headers=JSON) as answer:
        await answer.content.readany()


def judged(came: Came, name: str) -> str:
    """Say what an answer is. What the model left out is asked for again; where its server dies just then, its own call is passed on."""
    if came.error or came.status != 200 or not came.calls:
        return "failed"
    calls = [(call["name"], orjson.loads(call["arguments"])) for call in came.calls.values()]
    if calls == [("bash", {"timeout": 1})] and kind(name, 0) == 2:
        return "failed"
    return "right" if calls == [("bash", right(name, 0))] and came.finish == "tool_calls" else "wrong"


async def one(session: aiohttp.ClientSession, url: str, ledger: Ledger, number: int, drawn: random.Random) -> None:
    """Send one request of the mixture."""
    asked = body(number, stream=drawn.random() < 0.7, wrong=drawn.random() < WRONG)
    if drawn.random() < ABORTED:
        try:
            await leave(session, url, {**asked[1], "stream": True})
        except aiohttp.ClientError as error:
            ledger.failed.append((time.monotonic(), repr(error)))
        ledger.came["aborted"] += 1
        return
    came = await ask(session, url, **asked[1])
    verdict = judged(came, asked[0])
    ledger.came[verdict] += 1
    if verdict == "wrong":
        ledger.wrong.append((asked[0], came))
    elif verdict == "failed":
        ledger.failed.append((time.monotonic(), (came.status, came.error, came.data[:200])))


async def traffic(served: Toolmend, engine: Engine, ledger: Ledger, memory: list[tuple[float, float]]) -> None:
    """Send the mixture for its time, restart the engine now and then, and look at the memory."""
    drawn, began, tasks = random.Random(11), time.monotonic(), set()
    restarts = [SECONDS * (at + 1) / (RESTARTS + 1) for at in range(RESTARTS)]
    async with unbounded() as session:
        number = 0
        while (now := time.monotonic() - began) < SECONDS:
            number += 1
            task = asyncio.create_task(one(session, served.url, ledger, number, drawn))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            if restarts and now >= restarts[0]:
                restarts.pop(0)
                engine.kill()
                ledger.restarts.append(time.monotonic())
                await engine.start()
                ledger.restarts.append(time.monotonic())
            if number % int(RATE * 10) == 0:
                memory.append((now, (await served.reading()).memory))
            await asyncio.sleep(max(began + number / RATE - time.monotonic(), 0))
        await asyncio.gather(*tasks)


def slope(points: list[tuple[float, float]]) -> float:
    """Return by how much the line of least squares through the points rises, per second."""
    count = len(points)
    middle_x, middle_y = sum(x for x, _ in points) / count, sum(y for _, y in points) / count
    above = sum((x - middle_x) * (y - middle_y) for x, y in points)
    return above / sum((x - middle_x) ** 2 for x, _ in points)


@pytest.mark.row("L8")
@pytest.mark.slow
async def test_mixed_traffic(begin: Any, reached: Callable[[str], None], tmp_path: Path) -> None:
    engine, ledger, memory = Engine(), Ledger(), list[tuple[float, float]]()
    await engine.start()
    try:
        async with begin(engine.url, "--journal", str(tmp_path / "toolmend" / "journal"), warm=False) as served:
            async with unbounded() as session:
                await asyncio.gather(
                    *(ask(session, served.url, **body(number, stream=True, wrong=False)[1]) for number in range(5))
                )
            served.base = await served.reading()
            await traffic(served, engine, ledger, memory)
    finally:
        engine.kill()
    late = [(x, y) for x, y in memory if x >= min(300, SECONDS / 3)]
    grows = slope(late) * 600 / 2**20
    unexpected = [what for moment, what in ledger.failed if not any(abs(moment - each) < FORGIVEN for each in ledger.restarts)]
    asked = sum(ledger.came.values())
    reached(
        f"{SECONDS / 60:.0f} minutes, {asked:,} requests ({ledger.came['aborted']} left), {RESTARTS} restarts: {len(ledger.wrong)} wrong, "
        f"{ledger.came['failed']} failed at restarts, {len(unexpected)} otherwise; memory {late[-1][1] / 2**20:.0f} MB, {grows:+.2f} MB in 10 minutes"
    )
    assert ledger.wrong == []
    assert unexpected == []
    assert ledger.came["right"] > 0.8 * asked
    assert not QUIET or grows <= 1.0
