"""A client that costs next to nothing: it sends one request on a connection, and notes when bytes come."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import orjson

END = b"0\r\n\r\n"
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


def request(body: Any, *, keep: bool = False) -> bytes:
    """Write a chat request."""
    data = orjson.dumps(body)
    keeps = "keep-alive" if keep else "close"
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Connection: {keeps}\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


@dataclass
class Answer:
    """What came on one connection.

    moments  monotonic seconds of each read
    events   how many events it had
    done     it came to its proper end
    tail     its last bytes, and all of them where they were to be kept
    """

    asked: float = 0.0
    moments: list[float] = field(default_factory=list)
    events: int = 0
    done: bool = False
    status: int = 0
    tail: bytes = b""

    @property
    def first(self) -> float:
        """Seconds to the first byte."""
        return self.moments[0] - self.asked if self.moments else float("inf")

    @property
    def gaps(self) -> list[float]:
        """Seconds between reads."""
        return [after - before for before, after in zip(self.moments, self.moments[1:], strict=False)]


class Asking(asyncio.Protocol):
    """Sends a request, and reads until the other side closes or the answer is over.

    keep   keep all bytes
    leave  go after so many reads; 0: stay to the end
    """

    def __init__(self, data: bytes, *, keep: bool = False, leave: int = 0) -> None:
        self._data, self._keep, self._leave = data, keep, leave
        self._left = -1
        self.answer = Answer()
        self.over: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are no subclasses
        self.answer.asked = time.monotonic()
        self.transport.write(self._data)

    def data_received(self, data: bytes) -> None:
        answer = self.answer
        if not answer.moments:
            self._begin(data)
        answer.moments.append(time.monotonic())
        answer.events += data.count(b"data: ")
        answer.tail = answer.tail + data if self._keep else (answer.tail[-16:] + data)[-64:]
        self._left -= len(data)
        answer.done = self._left == 0 or answer.tail.endswith(END)
        if answer.done:
            self.transport.close()
        elif self._leave and len(answer.moments) >= self._leave:
            self.transport.abort()

    def _begin(self, data: bytes) -> None:
        self.answer.status = int(data[9:12])
        head = data.partition(b"\r\n\r\n")[0]
        if length := LENGTH.search(head):
            self._left = len(head) + 4 + int(length[1])
        self.begun.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if not self.begun.done():
            self.begun.set_result(None)
        if not self.over.done():
            self.over.set_result(self.answer)


async def open_all(url: str, data: bytes, count: int, **how: Any) -> list[Asking]:
    """Open so many connections at once, and ask on each."""
    host, port = urlsplit(url).netloc.split(":")
    loop = asyncio.get_running_loop()

    async def one() -> Asking:
        _, asking = await loop.create_connection(lambda: Asking(data, **how), host, int(port))
        return asking

    return list(await asyncio.gather(*(one() for _ in range(count))))


async def open_in_turn(url: str, data: bytes, count: int) -> list[Asking]:
    """Open so many connections, two hundred a second, as clients come: those of one moment would wait for each other."""
    made: list[Asking] = []
    while len(made) < count:
        made += await open_all(url, data, min(40, count - len(made)))
        await asyncio.sleep(0.2)
    return made


async def ask_all(url: str, data: bytes, count: int, **how: Any) -> list[Answer]:
    """Ask so many times at once, and return all answers."""
    return list(await asyncio.gather(*(each.over for each in await open_all(url, data, count, **how))))


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that so great a share of all is at most."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else float("nan")
