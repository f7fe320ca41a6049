"""Row F1 side by side: a client goes; after how many seconds does the model server learn it?"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from statistics import median

import orjson
import pytest

from tests.reliability.anchors.conftest import Side
from tests.reliability.anchors.page import table
from tests.reliability.anchors.test_truncation import STREAM, Way, chunk, event, ways
from tests.reliability.anchors.upstream import Asked, Connection
from tests.reliability.load import ASK
from tests.reliability.raw import connected, post

pytestmark = pytest.mark.e2e_anchors

TIMES = 5
PATIENCE = 15.0
"""Seconds after which the model server gives up waiting to be left."""
PACE = 0.05
"""Seconds between two events."""


@dataclass
class Watched:
    """One request at the model server.

    speaks  it answers, where a stream is asked for; else it is silent
    left    when its connection ended, in monotonic seconds
    """

    speaks: bool
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    left: float = 0.0

    async def answer(self, asked: Asked, connection: Connection) -> bool:
        """Stream slowly, where a stream is asked for and nobody wants silence; notice when nobody listens any more."""
        leaving = asyncio.create_task(connection.left())
        try:
            await self.talk(asked, connection, leaving)
        except ConnectionError:
            self.left = time.monotonic()
        finally:
            leaving.cancel()
            self.gone.set()
        return False

    async def talk(self, asked: Asked, connection: Connection, leaving: asyncio.Task[None]) -> None:
        """Say what a slow model says, until the other side has left or the time is over."""
        deadline = time.monotonic() + PATIENCE
        speaks = asked.streamed and self.speaks
        if speaks:
            await connection.send(
                STREAM + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(event({"role": "assistant", "content": ""}))
            )
        self.begun.set()
        while time.monotonic() < deadline:
            if (await asyncio.wait({leaving}, timeout=PACE))[0]:
                self.left = time.monotonic()
                return
            if speaks:
                await connection.send(chunk(event({"content": "word "})))


@dataclass(frozen=True)
class Phase:
    """When the client goes. `speaks`: the model has begun to."""

    name: str
    stream: bool
    speaks: bool


PHASES = (
    Phase("in mid-stream", True, True),
    Phase("before a stream's first byte", True, False),
    Phase("waiting for a whole answer", False, False),
)


async def measured(side: Side, way: Way, phase: Phase) -> float | None:
    """Ask, go, and return the seconds until the model server learned it; None: it did not."""
    watched = Watched(speaks=phase.speaks)
    side.upstream.answer = watched.answer
    body = {**ASK, "stream": phase.stream}
    if not way.tools:
        body.pop("tools")
    reader, writer = await connected(side.urls[way.server])
    writer.write(post(orjson.dumps(body), *(f"{name}: {value}" for name, value in way.headers.items())))
    await writer.drain()
    async with asyncio.timeout(60):
        await watched.begun.wait()
        if phase.stream and phase.speaks:
            await reader.readuntil(b"word")
        else:
            await asyncio.sleep(0.3)
    went = time.monotonic()
    writer.close()
    async with asyncio.timeout(PATIENCE + 30):
        await watched.gone.wait()
    return watched.left - went if watched.left else None


def told(found: list[float | None]) -> str:
    """Write what was measured."""
    seconds = [each for each in found if each is not None]
    if not seconds:
        return f"not in {PATIENCE:.0f} s"
    some = f", {len(seconds)} of {len(found)}" if len(seconds) < len(found) else ""
    return f"{median(seconds):.2f} ({max(seconds):.2f}{some})"


async def test_the_model_server_learns_that_a_client_has_gone(everyone: Side) -> None:
    side = everyone
    asked = [way for way in ways(side) if way.name != "toolmend, observe"]
    rows, ours = [], []
    for phase in PHASES:
        found = [[await measured(side, way, phase) for _ in range(TIMES)] for way in asked]
        rows.append((phase.name, *map(told, found)))
        ours += [each for way, each in zip(asked, found, strict=True) if way.server == "toolmend"]
    side.page.parts["disconnect"] = [
        "### Clients that go (F1)",
        "",
        f"Seconds until the model server's connection ends: the median (and the longest) of {TIMES}. The model server speaks every "
        f"{PACE * 1000:.0f} ms in mid-stream, and is silent else; it waits {PATIENCE:.0f} s.",
        "",
        *table(["the client goes", *(way.name for way in asked)], rows),
    ]
    print("\n".join(side.page.parts["disconnect"]))
    assert [each for each in ours if None in each] == []
