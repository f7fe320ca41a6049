"""Looks for garbage when that keeps nobody waiting.

To look at all objects takes 0.1 ms for each open stream: with 2,000 of them Python's collector, which looks whenever a quarter
has been added, held everybody up for a quarter of a second again and again. What is young is still its own affair.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from typing import Final

FEW: Final = 100
"""Requests that may be served while all objects are looked at every few seconds: some 10 ms."""

PAUSE: Final = 5.0
"""Seconds between two looks."""

PATIENCE: Final = 600.0
"""Seconds after which all is looked at, however many are served: what is in cycles would be kept for ever."""

NEVER: Final = 1_000_000_000


def due(serving: int) -> float:
    """Return after how many seconds all objects are looked at again: with twice as many requests after four times as many."""
    return min(PAUSE * max(1.0, serving / FEW) ** 2, PATIENCE)


async def collect(serving: Callable[[], int]) -> None:
    """Take the looking at old objects over from Python, until cancelled. `serving`: how many requests are served."""
    before = gc.get_threshold()
    gc.set_threshold(before[0], before[1], NEVER)
    last = time.monotonic()
    try:
        while True:
            await asyncio.sleep(PAUSE)
            if time.monotonic() - last >= due(serving()):
                gc.collect()
                last = time.monotonic()
    finally:
        gc.set_threshold(*before)
