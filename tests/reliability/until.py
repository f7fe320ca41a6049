"""Waiting for what a row looks at."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


async def until(ready: Callable[[], bool], seconds: float = 15.0) -> float:
    """Wait until something is so; return the seconds that it took. Raises TimeoutError."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not ready():
            await asyncio.sleep(0.005)
    return time.monotonic() - began
