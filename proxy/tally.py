"""Counts all turns, also those that were right as they came: of the others alone no rate can be known."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from proxy.failures.table import concerns_call
from proxy.outcome import Outcome
from proxy.record import VERSION

KINDS = 256
"""Kinds that are told apart in one period; what comes beyond counts as `OTHER`."""

EVERY = 60.0
"""Seconds between two counts that are written down."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Whose turns are counted together."""

    client: str
    model: str
    profile: str
    mode: str


OTHER = Kind("(others)", "(others)", "(others)", "(others)")


@dataclass(slots=True)
class Count:
    """Turns of one kind.

    called        those with a call: the model made one, or meant to
    wrong_before  those of them whose call was wrong as it came
    wrong_after   those whose call was still wrong as it went out
    completion, extra  tokens that the model wrote, and what asking again cost of all tokens
    seconds, extra_seconds  from request to answer, and what of it came after the first answer
    outcomes      turns by outcome
    """

    turns: int = 0
    called: int = 0
    wrong_before: int = 0
    wrong_after: int = 0
    completion: int = 0
    extra: int = 0
    seconds: float = 0.0
    extra_seconds: float = 0.0
    outcomes: dict[str, int] = field(default_factory=dict)

    def add(self, outcome: Outcome, spent: Spent, *, called: bool) -> None:
        """Count one turn."""
        wrong = concerns_call(outcome.fault, outcome.reason)
        self.turns += 1
        self.called += called or wrong
        self.wrong_before += wrong
        self.wrong_after += wrong and outcome.name == "failed-open"
        self.completion += spent.completion
        self.extra += spent.extra
        self.seconds += spent.seconds
        self.extra_seconds += spent.extra_seconds
        self.outcomes[outcome.name] = self.outcomes.get(outcome.name, 0) + 1


@dataclass(frozen=True, slots=True)
class Spent:
    """What a turn cost: tokens and seconds, as in `Count`."""

    completion: int = 0
    extra: int = 0
    seconds: float = 0.0
    extra_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class CountRow:
    """One kind in what is written down."""

    client: str
    model: str
    profile: str
    mode: str
    count: Count


@dataclass(frozen=True, slots=True)
class Counted:
    """All turns from one moment (`since`, seconds since 1970) to another (`ts`), right or not."""

    ts: float
    since: float
    counts: tuple[CountRow, ...]
    kind: str = "turns"
    v: int = VERSION


class Tally:
    """The count of a period."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._since = now()
        self._counts: dict[Kind, Count] = {}

    def add(self, kind: Kind, outcome: Outcome, spent: Spent, *, called: bool) -> None:
        """Count one turn."""
        if kind not in self._counts and len(self._counts) >= KINDS:
            kind = OTHER
        self._counts.setdefault(kind, Count()).add(outcome, spent, called=called)

    @property
    def due(self) -> float | None:
        """Seconds until it is to be written down; None: there is nothing to write."""
        return max(self._since + EVERY - self._now(), 0.0) if self._counts else None

    def take(self) -> Counted | None:
        """Return what was counted, and begin anew; None where nothing was."""
        if not self._counts:
            return None
        rows = tuple(CountRow(kind.client, kind.model, kind.profile, kind.mode, count) for kind, count in self._counts.items())
        counted = Counted(self._now(), self._since, rows)
        self._counts, self._since = {}, counted.ts
        return counted
