"""What is measured of a target: each scenario drives load through it, and returns figures. The engine is in this process.

An engine that steps sends the next event only when the client has got the last one, so nothing can be joined on the way, and
processor time per event compares whatever the load is.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from bench.client import Asking, ask_all, open_in_turn, percentile, request
from bench.engine import Connection, Engine, deltas, text
from bench.targets import Target

Figures = dict[str, float]

TOOLS: Final = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": f"{name}: does what its name says, within the limits that follow. " * 24,
            "parameters": {
                "type": "object",
                "properties": {
                    "command": {"type": "string", "description": "What is to be done, in words that a shell understands. " * 8},
                    "path": {"type": "string", "description": "An absolute path. " * 12},
                    "lines": {"type": "array", "items": {"type": "integer"}, "description": "From where to where. " * 6},
                },
                "required": ["command"],
            },
        },
    }
    for name in ("bash", "edit", "finish", "think", "browse")
]
BODY: Final = {
    "model": "gemma-4-26b",
    "messages": [
        {"role": "system", "content": "You are an agent that works on a repository with tools. " * 120},
        {"role": "user", "content": "Please find out why the test fails, and mend the code. " * 60},
    ],
    "tools": TOOLS,
}
"""A request of an agent's first turn: 29 kB, of which the tools are the larger part."""


@dataclass
class Steps:
    """Lets the engine send an event when the client has got the last one."""

    got: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    sent: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    _moved: dict[int, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))

    async def step(self, lane: int) -> None:
        """Wait for the client. The first event says only who speaks: a proxy may have nothing to pass on of it."""
        self.sent[lane] += 1
        if self.sent[lane] == 1:
            await asyncio.sleep(0.01)
            self.got[lane] = 0
            return
        while self.got[lane] < self.sent[lane] - 1:
            self._moved[lane].clear()
            try:
                await asyncio.wait_for(self._moved[lane].wait(), 0.2)
            except TimeoutError:  # the last events of an answer are passed on together
                return

    def note(self, lane: int, events: int) -> None:
        """Note that the client of a lane got events."""
        self.got[lane] += events
        self._moved[lane].set()


class Stepping(Asking):
    """A client that tells the engine what it has got."""

    def __init__(self, steps: Steps, lane: int, data: bytes) -> None:
        super().__init__(data)
        self._steps, self._lane = steps, lane

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._steps.note(self._lane, data.count(b"data: "))


@asynccontextmanager
async def listening(engine: Engine) -> AsyncIterator[int]:
    """Serve an engine on loopback; yield its port."""
    server = await asyncio.get_running_loop().create_server(lambda: Connection(engine), "127.0.0.1", 0, backlog=4096)
    async with server:
        port = int(server.sockets[0].getsockname()[1])
        engine.url = f"http://127.0.0.1:{port}"
        yield port


async def cpu_of(target: Target, work: Awaitable[Any]) -> tuple[float, Any]:
    """Return the processor time that a target spent on something, in seconds, and what came of it."""
    before = target.cpu()
    came = await work
    return target.cpu() - before, came


async def until(done: Callable[[], bool], seconds: float) -> float:
    """Wait until something is so; return the seconds that it took, or all that there were."""
    began = time.monotonic()
    while not done() and time.monotonic() - began < seconds:  # noqa: ASYNC110 - it is looked at from outside
        await asyncio.sleep(0.005)
    return time.monotonic() - began


def whole(answers: list[Any]) -> None:
    """Assert that all came to their proper end."""
    assert {each.status for each in answers} == {200}, [each.tail for each in answers if each.status != 200][:1]
    assert all(each.done for each in answers)


async def requests(target: Target, engine: Engine) -> Figures:
    """Whole answers of 40 tokens, 32 at once."""
    engine.say(text(40))
    data = request(BODY)

    async def many(rounds: int) -> list[Any]:
        return [each for _ in range(rounds) for each in await ask_all(target.url, data, 32)]

    await many(2)
    cost, came = await cpu_of(target, many(8))
    whole(came)
    return {"CPU a request, us": cost / len(came) * 1e6}


async def one_by_one(target: Target, engine: Engine) -> Figures:
    """Whole answers, one at a time: how much longer each takes than from the engine itself."""
    engine.say(text(40))
    return {"added p50 of an answer, ms": await added(target, engine, request(BODY))}


async def first_bytes(target: Target, engine: Engine) -> Figures:
    """Streams of two tokens, one at a time: how much longer the first byte takes than from the engine itself."""
    engine.say(text(2))
    return {"added p50 of the first byte, ms": await added(target, engine, request({**BODY, "stream": True}))}


async def added(target: Target, engine: Engine, data: bytes) -> float:
    """Ask both a hundred times in turns, once warm; return the difference of the median times to the first byte, in ms."""
    seconds: dict[str, list[float]] = {engine.url: [], target.url: []}
    for _ in range(120):
        for url, taken in seconds.items():
            came = await ask_all(url, data, 1)
            whole(came)
            taken.append(came[0].first)
    direct, through = (percentile(taken[20:], 0.5) for taken in seconds.values())
    return (through - direct) * 1e3


async def lockstep(target: Target, engine: Engine) -> Figures:
    """Eight streams of text in lockstep. What a stream of two tokens costs is taken off: the rest are the events."""
    lanes = 8

    async def streams(tokens: int) -> tuple[float, int]:
        steps = Steps()
        engine.say(text(tokens), step=steps.step)
        loop, port = asyncio.get_running_loop(), int(target.url.rpartition(":")[2])
        before = target.cpu()
        asking = []
        for lane in range(1, lanes + 1):
            data = request({**BODY, "stream": True, "seed": lane})
            made = await loop.create_connection(partial(Stepping, steps, lane, data), "127.0.0.1", port)
            asking.append(made[1])
        whole(list(await asyncio.gather(*(each.over for each in asking))))
        return target.cpu() - before, sum(each.answer.events for each in asking)

    few, events_few = await streams(2)
    many, events_many = await streams(1_000)
    return {"CPU an event in lockstep, us": (many - few) / (events_many - events_few) * 1e6}


async def tool_deltas(target: Target, engine: Engine) -> Figures:
    """Eight streams of a call whose arguments the server parses: an event a millisecond, since a proxy may hold them."""

    async def streams(tokens: int) -> float:
        engine.say(deltas(tokens), pause=0.002)
        cost, came = await cpu_of(target, ask_all(target.url, request({**BODY, "stream": True}), 8))
        whole(came)
        return float(cost)

    few, many = await streams(1), await streams(400)
    return {"CPU a delta, us": (many - few) / (8 * 399) * 1e6}


async def large_call(target: Target, engine: Engine) -> Figures:
    """One call of 100 KB in 25,000 deltas, and one of 10 KB; and how long a client waits for the end behind the last of them."""
    found, behind = {}, 0.0
    for kb in (10, 100):
        engine.say(deltas(kb * 250))
        cost, came = await cpu_of(target, ask_all(target.url, request({**BODY, "stream": True}), 1))
        whole(came)
        found[kb], behind = cost, came[0].moments[-1] - engine.ended
    return {
        "CPU of 100 KB of arguments, ms": found[100] * 1e3,
        "100 KB to 10 KB": found[100] / found[10],
        "from the last delta to the end, ms": behind * 1e3,
    }


async def start(target: Target, engine: Engine) -> Figures:  # noqa: ARG001 - as all scenarios are called
    """Tell how long it took until it listened."""
    return {"s to start": target.started}


async def throughput(target: Target, engine: Engine) -> Figures:
    """Whole answers of 40 tokens, 64 at once, as fast as they go."""
    engine.say(text(40))
    data = request(BODY)
    await ask_all(target.url, data, 64)
    began, number = time.monotonic(), 16
    for _ in range(number):
        whole(await ask_all(target.url, data, 64))
    return {"answers a second": 64 * number / (time.monotonic() - began)}


async def idle(target: Target, engine: Engine) -> Figures:
    """Five hundred streams that wait: what each takes, and how soon the engine is free when all clients go."""
    engine.say(text(3), pause=30.0)
    rest = target.memory()
    held = await open_in_turn(target.url, request({**BODY, "stream": True}), 500)
    await until(lambda: engine.live >= 500, 60)
    each = (target.memory() - rest) / 500
    for one in held:
        one.transport.abort()
    freed = await until(lambda: not engine.live, 10)
    return {"KB an idle stream": each / 1024, "s until the engine is free": freed, "MB at rest": rest / 2**20}


async def held_streams(target: Target, engine: Engine) -> Figures:
    """How many streams of 50 tokens a second one processor holds with a p99 between reads of less than 40 ms."""
    engine.say(text(100), pause=0.02)
    fit = 0
    for number in (25, 50, 75, 100, 150, 200, 300, 400, 500, 600, 700, 800):
        came = await ask_all(target.url, request({**BODY, "stream": True}), number)
        whole(came)
        gaps = [gap for each in came for gap in each.gaps[5:-4]]  # the end waits for what the engine says last
        if percentile(gaps, 0.99) > 0.04:
            break
        fit = number
    return {"streams at 50 tokens a second": float(fit)}


SCENARIOS: Final[dict[str, Callable[[Target, Engine], Awaitable[Figures]]]] = {
    "start": start,
    "idle": idle,
    "requests": requests,
    "one-by-one": one_by_one,
    "lockstep": lockstep,
    "tool-deltas": tool_deltas,
    "first-byte": first_bytes,
    "large-call": large_call,
    "held": held_streams,
    "throughput": throughput,
}


FIRST: Final = ("start", "idle")
"""What is measured in the first round alone: a process starts once, and memory that was once taken is not taken again."""


def median(values: list[float]) -> float:
    """Return the median; nothing for nothing."""
    return statistics.median(values) if values else float("nan")
