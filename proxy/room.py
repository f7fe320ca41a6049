"""How many requests are served at once, and how much of their bodies is held."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from proxy.errors import Overloaded
from proxy.settings import Limits

RETRY_AFTER = 2


class Room:
    """Bounds what is held and what is served. Who finds no room is told to come back (503, never 429)."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._places = asyncio.Semaphore(limits.max_streams)
        self._bytes = 0

    @contextmanager
    def holding(self, size: int | None) -> Iterator[None]:
        """Reserve memory for a body of `size` bytes; of one that does not tell its size, for the largest there may be."""
        size = min(size if size is not None else self._limits.body_bytes, self._limits.body_bytes)
        if self._bytes + size > self._limits.inflight_bytes and self._bytes:
            raise Overloaded("too many large requests at once (limits.inflight_bytes)", retry_after=RETRY_AFTER)
        self._bytes += size
        try:
            yield
        finally:
            self._bytes -= size

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
