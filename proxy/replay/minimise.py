"""Makes the request of a recorded turn as small as it can be while the turn still fails in the same way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from proxy.replay.axes import AXES, Axis, Body, Unit
from proxy.replay.ddmin import ddmin
from proxy.replay.run import Entry

TOLD: Final = 2
"""Trials beside the search: the whole request at first, the smallest one at last."""


class NotFailing(Exception):
    """The turn does not fail in that way any more. Its text says how it ends today."""


class Trial(Protocol):
    """Serves the turn with another request. `ended` says how that went the last time."""

    ended: str

    async def __call__(self, body: Body) -> bool:
        """Tell whether it fails as it did then."""

    async def record(self, body: Body) -> Entry | None:
        """Return the record of how it failed; None where it does not any more."""


@dataclass(frozen=True, slots=True)
class Minimised:
    """A turn with the smallest request that was found.

    entry    its record, as a line of a journal
    sizes    name -> how many there were, and how many are left
    trials   how often the turn was served again
    stopped  the bound on trials was reached: it may be smaller still
    """

    entry: Entry
    sizes: Mapping[str, tuple[int, int]]
    trials: int
    stopped: bool = False

    def __str__(self) -> str:
        told = [f"{name} {before} -> {after}" for name, (before, after) in self.sizes.items()]
        return ", ".join([*told, f"{self.trials} replays"]) + ("; stopped there, it may be smaller still" if self.stopped else "")


@dataclass(slots=True)
class Search:
    """Tries parts of a request, each once, and at most so many of them. `most`: None sets no bound."""

    trial: Trial
    most: int | None = None
    count: int = 0
    stopped: bool = False
    tried: dict[tuple[str, tuple[Unit, ...]], bool] = field(default_factory=dict)

    async def smaller(self, body: Body, axis: Axis) -> Body:
        """Return a body with as little along one axis as it still fails with."""

        async def fails(part: tuple[Any, ...]) -> bool:
            return await self._fails((axis.name, part), axis.keep(body, part))

        return axis.keep(body, await ddmin(axis.units(body), fails))

    async def _fails(self, what: tuple[str, tuple[Unit, ...]], body: Body) -> bool:
        if what not in self.tried:
            if self.most is not None and self.count >= self.most:
                self.stopped = True
                return False
            self.count += 1
            self.tried[what] = await self.trial(body)
        return self.tried[what]


async def minimise(entry: Entry, trial: Trial, most: int | None = None) -> Minimised:
    """Return a turn with as few tools, messages and properties as it still fails with, in at most so many trials, and two.

    Each part that is tried is a request that a client could send: results stay with their calls, and the last message stays.
    Raises NotFailing.
    """
    body: Body = entry["request"]["body"]
    before = {axis.name: axis.count(body) for axis in AXES}
    if not await trial(body):
        raise NotFailing(f"it does not fail as it did then any more: {trial.ended}")
    search = Search(trial, most)
    for axis in AXES:
        body = await search.smaller(body, axis)
    made = await trial.record(body)
    if made is None:
        raise NotFailing(f"the smallest request that was found does not fail each time: {trial.ended}")
    sizes = {axis.name: (before[axis.name], axis.count(body)) for axis in AXES}
    return Minimised(made, sizes, search.count + TOLD, search.stopped)
