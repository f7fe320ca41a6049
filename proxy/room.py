"""How many requests are served at once, and how much of their bodies is held."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from proxy.errors import Overloaded
from proxy.settings import Limits

RETRY_AFTER = 2

Hold = Callable[[int], None]
"""Holds so many bytes more. Raises Overloaded."""


class Turnstile:
    """Lets one pass in each round of the event loop, or so many, in order, so that a crowd holds nobody else up for long."""

    def __init__(self, at_once: int = 1) -> None:
        self._at_once = self._free = at_once
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def passed(self) -> None:
        """Return at once where few others have passed in this round, else when it is our turn."""
        loop = asyncio.get_running_loop()
        if not self._free or self._waiting:
            turn = loop.create_future()
            self._waiting.append(turn)
            await turn
            return
        if self._free == self._at_once:
            loop.call_soon(self._next)
        self._free -= 1

    def _next(self) -> None:
        self._free = self._at_once
        while self._waiting and self._free:
            turn = self._waiting.popleft()
            if not turn.done():  # its client may be gone
                turn.set_result(None)
                self._free -= 1
        if self._free < self._at_once:
            asyncio.get_running_loop().call_soon(self._next)


class Room:
    """Bounds what is held and what is served. Who finds no room is told to come back (503, never 429)."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._places = asyncio.Semaphore(limits.max_streams)
        self._bytes = 0

    @contextmanager
    def holding(self, announced: int | None) -> Iterator[Hold]:
        """Hold a body while it is served: `Hold` is told of each piece as it comes. `announced`: its size, where that is known.

        Nothing is held for what was only announced: a few clients that announce much and send nothing would keep all others out.
        """
        held = 0

        def hold(size: int) -> None:
            nonlocal held
            self._check(size, others=self._bytes - held)
            held += size
            self._bytes += size

        self._check(announced or 0, others=self._bytes)
        try:
            yield hold
        finally:
            self._bytes -= held

    def _check(self, size: int, others: int) -> None:
        """Refuse what would be too much. Whoever is alone is served."""
        if others and self._bytes + size > self._limits.inflight_bytes:
            raise Overloaded("too many large requests at once (limits.inflight_bytes)", retry_after=RETRY_AFTER)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Take one of the places; who finds none waits a little first."""
        try:
            async with asyncio.timeout(self._limits.queue_seconds):
                await self._places.acquire()
        except TimeoutError as error:
            limit = self._limits.max_streams
            raise Overloaded(f"{limit} requests are being served (limits.max_streams)", retry_after=RETRY_AFTER) from error
        try:
            yield
        finally:
            self._places.release()
