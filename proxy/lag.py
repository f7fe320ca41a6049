"""How long the event loop keeps everybody waiting: measured by a task that wants to be woken every few milliseconds."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Final, NamedTuple

TICK: Final = 0.005
"""Seconds between two looks."""

WINDOW: Final = 30.0
"""Seconds after which a delay is forgotten, or up to twice as many: whoever reads every 30 s misses none."""


class Delay(NamedTuple):
    """The longest delays, in seconds.

    waited   from when a task should have gone on to when it did; a busy machine counts as well
    worked   of the loop's own processor time in between: what one step of ours took
    """

    waited: float = 0.0
    worked: float = 0.0


@dataclass(slots=True)
class Lag:
    """The longest delays of the last `WINDOW` seconds or more."""

    _now: Delay = field(default_factory=Delay)
    _before: Delay = field(default_factory=Delay)
    _since: float = 0.0

    @property
    def longest(self) -> Delay:
        """Return the longest delays."""
        return Delay(max(self._now.waited, self._before.waited), max(self._now.worked, self._before.worked))

    def note(self, delay: Delay, now: float) -> None:
        """Take note of a delay. `now`: monotonic seconds."""
        if now - self._since >= WINDOW:
            self._before, self._now, self._since = self._now, Delay(), now
        self._now = Delay(max(self._now.waited, delay.waited), max(self._now.worked, delay.worked))

    async def run(self) -> None:
        """Look at the loop that this runs on, until cancelled."""
        while True:
            began, worked = time.monotonic(), time.thread_time()
            await asyncio.sleep(TICK)
            now = time.monotonic()
            self.note(Delay(max(now - began - TICK, 0.0), time.thread_time() - worked), now)
