"""How many requests are served at once, and how much of their bodies is held."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from proxy.errors import Overloaded
from proxy.settings import Limits

RETRY_AFTER = 2

Hold = Callable[[int], None]
"""Holds so many bytes more. Raises Overloaded."""


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
