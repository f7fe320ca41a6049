"""How many requests are served at once, and how much of their bodies is held."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from proxy.errors import Overloaded
from proxy.settings import Limits

RETRY_AFTER = 2


class Room:
    """A bounded number of places. Who finds none waits a little, then is told to come back (503, never 429)."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._places = asyncio.Semaphore(limits.max_streams)
        self._bytes = 0

    @asynccontextmanager
    async def place(self, size: int) -> AsyncIterator[None]:
        """Take a place for a request with a body of `size` bytes."""
        if self._bytes + size > self._limits.inflight_bytes and self._bytes:
            raise Overloaded("too many large requests at once (limits.inflight_bytes)", retry_after=RETRY_AFTER)
        try:
            async with asyncio.timeout(self._limits.queue_seconds):
                await self._places.acquire()
        except TimeoutError as error:
            limit = self._limits.max_streams
            raise Overloaded(f"{limit} requests are being served (limits.max_streams)", retry_after=RETRY_AFTER) from error
        self._bytes += size
        try:
            yield
        finally:
            self._bytes -= size
            self._places.release()
