"""What toolmend wants to cost at most, beside nginx and a naive relay of the same run, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

Medians = Mapping[str, Mapping[str, float]]
"""Figure -> target -> median."""

OURS, EXACT, NGINX, NAIVE = "toolmend, no logprobs", "toolmend", "nginx", "naive"


@dataclass(frozen=True)
class Limit:
    """One figure of a goal: at most so much (or at least), or so many times what another target has."""

    figure: str
    most: float
    beside: str = ""
    ours: str = EXACT
    least: bool = False

    def reached(self, medians: Medians) -> tuple[str, bool | None]:
        """Say what was reached in words, and whether that is enough; None where it was not measured."""
        found = medians.get(self.figure, {})
        value, other = found.get(self.ours), found.get(self.beside) if self.beside else 1.0
        if value is None or other is None or not other:
            return "not measured", None
        ratio = value / other
        words = f"{ratio:.2f} x {self.beside}" if self.beside else f"{value:.3g}"
        return words + (" without log-probabilities" if self.ours == OURS else ""), (
            ratio >= self.most if self.least else ratio <= self.most
        )


@dataclass(frozen=True)
class Goal:
    """What is wanted, in words, and the limits that it consists of."""

    what: str
    asked: str
    limits: tuple[Limit, ...]


REQUEST, ANSWER, FIRST = "CPU a request, us", "added p50 of an answer, ms", "added p50 of the first byte, ms"
EVENT, DELTA, HELD = "CPU an event in lockstep, us", "CPU a delta, us", "streams at 50 tokens a second"
LARGE, GROWTH, END = "CPU of 100 KB of arguments, ms", "100 KB to 10 KB", "from the last delta to the end, ms"
IDLE, FREED, START, REST = "KB an idle stream", "s until the engine is free", "s to start", "MB at rest"

GOALS: Final = (
    Goal("CPU a request, 32 at once", "5 x nginx and 0.8 x naive", (Limit(REQUEST, 5, NGINX), Limit(REQUEST, 0.8, NAIVE))),
    Goal("added p50, one at a time", "2.5 x nginx and 1 x naive", (Limit(ANSWER, 2.5, NGINX), Limit(ANSWER, 1, NAIVE))),
    Goal(
        "lockstep text, CPU an event",
        "1.7 x nginx and 0.8 x naive; with log-probabilities 2 x and 0.95 x",
        (Limit(EVENT, 1.7, NGINX, OURS), Limit(EVENT, 0.8, NAIVE, OURS), Limit(EVENT, 2, NGINX), Limit(EVENT, 0.95, NAIVE)),
    ),
    Goal("tool deltas, CPU a delta", "1.8 x nginx and 0.9 x naive", (Limit(DELTA, 1.8, NGINX), Limit(DELTA, 0.9, NAIVE))),
    Goal("added first byte", "1 x naive", (Limit(FIRST, 1, NAIVE),)),
    Goal(
        "streams held at 50 tokens a second",
        "at least 0.7 x nginx and 1.2 x naive",
        (Limit(HELD, 0.7, NGINX, least=True), Limit(HELD, 1.2, NAIVE, least=True)),
    ),
    Goal(
        "100 KB of arguments in 25,000 deltas",
        "CPU 1.3 x naive; 100 KB to 10 KB 11; 2 ms from the last to the end",
        (Limit(LARGE, 1.3, NAIVE), Limit(GROWTH, 11), Limit(END, 2)),
    ),
    Goal(
        "500 idle streams; start; rest",
        "memory 0.75 x naive, freed within 0.2 s; start 0.6 s; 60 MB",
        (Limit(IDLE, 0.75, NAIVE), Limit(FREED, 0.2), Limit(START, 0.6), Limit(REST, 60)),
    ),
)
"""Goals 1 to 8. The ninth is of single steps (`bench.micro`), the tenth of two workers: each has its own table."""


def lines(medians: Medians) -> list[str]:
    """Write the goals as a table: what was reached beside what is asked."""
    made = ["| | goal | asked at most | reached | |", "|---|---|---|---|---|"]
    for number, goal in enumerate(GOALS, 1):
        found = [limit.reached(medians) for limit in goal.limits]
        enough = [each for _, each in found]
        verdict = (
            "not measured"
            if None in enough
            else "reached"
            if all(enough)
            else f"**missed** ({enough.count(False)} of {len(enough)})"
        )
        made.append(f"| {number} | {goal.what} | {goal.asked} | {'; '.join(words for words, _ in found)} | {verdict} |")
    return made
