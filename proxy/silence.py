"""Ends the wait for a model server that says nothing: one timer for an answer, not one for each read."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

import aiohttp


class Silent(Exception):
    """Nothing came for as long as was borne."""


class Silence:
    """Watches the waiting for an answer's bytes. `async with` begins and ends it.

    The timer is set anew only when it goes off: whatever was heard meanwhile has moved the moment that counts.
    """

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content
        self._loop = asyncio.get_running_loop()
        self._due: float | None = None
        self._at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    async def broken(self, limit: float, size: int) -> bytes:
        """Return what comes next, `size` bytes at most; nothing at the end.

        Raises Silent after so many seconds, and what aiohttp raises.
        """
        self._due = self._loop.time() + limit
        if self._timer is None or self._due < self._at:
            self._set(self._due)
        try:
            return await self._content.read(size)
        finally:
            self._due = None  # who is busy with what came does not wait

    def _look(self) -> None:
        self._timer = None
        if self._due is None:
            return
        if self._loop.time() >= self._due:
            self._content.set_exception(Silent())
        else:
            self._set(self._due)

    def _set(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._at, self._timer = at, self._loop.call_at(at, self._look)
