"""Counts what is drawn: turns over time, faults by class and model, and what asking again was tried with. Plain values."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from proxy.records.read import Entry, moment_of
from proxy.report.marks import RUNGS
from proxy.report.page import fields
from proxy.report.text import COLOURS

STEPS: Final = (60, 300, 900, 3600, 3 * 3600, 6 * 3600, 86_400, 7 * 86_400, 28 * 86_400)
"""Seconds of a bin, where so many of them suffice."""

BINS: Final = 40
"""Bins at most, until the longest step is too short, too."""

GRAIN: Final = 60
"""Seconds by which moments are counted, before it is known how long the bins are."""

END: Final = 250_000_000_000
"""Seconds after 1970 that no calendar here goes beyond."""

MODELS: Final = 5
"""Models that are told apart in the chart; the rest are drawn as one."""

OTHERS: Final = "other models"


@dataclass(frozen=True, slots=True)
class Bin:
    """Turns between two moments. `all` counts right ones, too; None: nothing was counted."""

    start: datetime
    outcomes: Mapping[str, int]
    all: int | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """Turns over time, in bins of so many seconds. `untimed` have no moment that can be read."""

    step: int = STEPS[0]
    bins: Sequence[Bin] = ()
    untimed: int = 0


@dataclass(frozen=True, slots=True)
class Matrix:
    """Turns by class and model. `cells` has a row for each class, with a number for each of `models`."""

    classes: Sequence[str] = ()
    models: Sequence[str] = ()
    cells: Sequence[Sequence[int]] = ()


@dataclass(slots=True)
class Rung:
    """One way of asking again: how often it was tried, and gave an answer that nothing was wrong with."""

    name: str
    asked: int = 0
    helped: int = 0
    tokens: int = 0
    seconds: float = 0.0

    @property
    def meaning(self) -> str:
        """What was asked for, in words."""
        return RUNGS.get(self.name, "")


@dataclass(slots=True)
class Figures:
    """Counts entries as they come. Its size is that of what differs in them, not of how many there are."""

    times: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    counted: Counter[int] = field(default_factory=Counter)
    untimed: int = 0
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_rung: dict[str, Rung] = field(default_factory=dict)

    def count(self, entry: Entry) -> None:
        """Count a line that counts turns."""
        moment = moment_of(entry)
        rows = fields.mappings(entry.get("counts"))
        if is_time(moment):
            self.counted[_grain(moment)] += int(sum(fields.number(fields.mapping(row.get("count")).get("turns")) for row in rows))

    def add(self, entry: Entry) -> None:
        """Count a turn."""
        moment = moment_of(entry)
        if is_time(moment):
            self.times[_grain(moment)][fields.line(entry.get("outcome"))] += 1
        else:
            self.untimed += 1
        if entry.get("class"):
            self.faults[fields.line(entry["class"]), fields.line(entry.get("model")) or "(not named)"] += 1
        for attempt in fields.mappings(entry.get("attempts"))[1:]:
            self._asked(attempt)

    def _asked(self, attempt: Entry) -> None:
        name = fields.line(attempt.get("rung"))
        rung = self.by_rung.setdefault(name, Rung(name))
        rung.asked += 1
        rung.helped += not attempt.get("problem")
        rung.tokens += int(fields.number(fields.mapping(attempt.get("usage")).get("total")))
        rung.seconds += fields.number(attempt.get("seconds"))

    def timeline(self) -> Timeline:
        """Return turns over time: from the first one to the last, with nothing left out between them."""
        if not self.times:
            return Timeline(untimed=self.untimed)
        step = step_for(min(self.times), max(self.times))
        outcomes: dict[int, Counter[str]] = defaultdict(Counter)
        for moment, counter in self.times.items():
            outcomes[moment // step] += counter
        every: Counter[int] = Counter()
        for moment, turns in self.counted.items():
            every[moment // step] += turns
        span = range(min(outcomes), max(outcomes) + 1)
        bins = [Bin(datetime.fromtimestamp(at * step, UTC), outcomes[at], every.get(at)) for at in span]
        return Timeline(step, bins, self.untimed)

    def matrix(self) -> Matrix:
        """Return turns by class and model, most of them first."""
        classes = _ranked((fault, count) for (fault, _), count in self.faults.items())
        models = _ranked((model, count) for (_, model), count in self.faults.items())
        shown = [*models[:MODELS], OTHERS] if len(models) > MODELS + 1 else models
        cells: Counter[tuple[str, str]] = Counter()
        for (fault, model), count in self.faults.items():
            cells[fault, model if model in shown else OTHERS] += count
        return Matrix(classes, shown, [[cells[fault, model] for model in shown] for fault in classes])

    def rungs(self) -> Sequence[Rung]:
        """Return the ways of asking again that were used, in the order in which they are tried."""
        order = list(RUNGS)
        return sorted(self.by_rung.values(), key=lambda each: (order.index(each.name) if each.name in order else 99, each.name))


def is_time(moment: float) -> bool:
    """Say whether a moment can be drawn: a clock that was never set, or an editor, may have written any."""
    return 0 <= moment < END


def _grain(moment: float) -> int:
    return int(moment // GRAIN * GRAIN)


def step_for(first: int, last: int) -> int:
    """Return how long a bin is, in seconds, so that there are neither too many nor too few. Weeks are doubled where they must."""
    step = next((each for each in STEPS if last // each - first // each < BINS), STEPS[-1])
    while last // step - first // step >= BINS:
        step *= 2
    return step


def _ranked(pairs: Iterable[tuple[str, int]]) -> list[str]:
    sums: Counter[str] = Counter()
    for name, count in pairs:
        sums[name] += count
    return sorted(sums, key=lambda name: (-sums[name], name))


def outcomes_in(bins: Iterable[Bin]) -> list[str]:
    """Return the outcomes that occur, in the order in which they are shown; ones that nobody knows come last."""
    there = {name for each in bins for name, count in each.outcomes.items() if count}
    return [*(name for name in COLOURS if name in there), *sorted(there - set(COLOURS))]
