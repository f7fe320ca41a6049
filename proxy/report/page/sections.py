"""Makes the charts of the page, and the words by which they are read aloud."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from proxy.report.page.charts import Chart, Series
from proxy.report.page.figures import Bin, Matrix, Rung, Timeline, outcomes_in
from proxy.report.text import COLOURS

LABEL: Final = 18
"""Characters of a label beside a bar; none of the classes is longer."""

HOUR: Final = 3600
DAY: Final = 86_400


def style_of(outcome: str) -> str:
    """Return the class by which the style sheet colours an outcome."""
    return f"outcome-{outcome}" if outcome in COLOURS else "outcome-other"


def span_of(each: Bin, step: int) -> str:
    """Say when a bin is, at length."""
    if step < DAY:
        return f"{each.start:%Y-%m-%d %H:%M}"
    return f"{each.start:%Y-%m-%d}" if step == DAY else f"{step // DAY} days from {each.start:%Y-%m-%d}"


def step_in_words(step: int) -> str:
    """Say how long a bin is."""
    size, name = next(pair for pair in ((DAY, "day"), (HOUR, "hour"), (60, "minute")) if step >= pair[0])
    return name if step == size else f"{step // size} {name}s"


def over_time(timeline: Timeline) -> Chart:
    """Draw turns over time by outcome."""
    outcomes = outcomes_in(timeline.bins)
    by_hour = timeline.step < DAY
    one_day = len({each.start.date() for each in timeline.bins}) == 1
    form = "%H:%M" if by_hour and one_day else "%d %b %H:%M" if by_hour else "%d %b %Y"
    sums = Counter[str]()
    for each in timeline.bins:
        sums.update(each.outcomes)
    told = ", ".join(f"{sums[name]:,} {name}" for name in outcomes)
    return Chart(
        [each.start.strftime(form) for each in timeline.bins],
        [span_of(each, timeline.step) for each in timeline.bins],
        [Series(name, style_of(name), [each.outcomes.get(name, 0) for each in timeline.bins]) for name in outcomes],
        f"Stacked bars: turns for each {step_in_words(timeline.step)}, by outcome: {told}. The table below has the numbers.",
    )


def by_class(matrix: Matrix) -> Chart:
    """Draw turns by class, and within a class by model."""
    told = ", ".join(f"{name} {sum(row):,}" for name, row in zip(matrix.classes, matrix.cells, strict=True))
    return Chart(
        [_short(name) for name in matrix.classes],
        matrix.classes,
        [Series(name, f"model-{at}", [row[at] for row in matrix.cells]) for at, name in enumerate(matrix.models)],
        f"Stacked bars: turns by class, each by model: {told}. The table below has the numbers.",
        lying=True,
    )


def by_rung(rungs: Sequence[Rung]) -> Chart:
    """Draw what asking again was tried with, and whether it helped."""
    told = ", ".join(f"{each.name or 'the turn'} {each.helped:,} of {each.asked:,}" for each in rungs)
    return Chart(
        [_short(each.name or "the turn") for each in rungs],
        [each.meaning or each.name for each in rungs],
        [
            Series("helped", "rung-helped", [each.helped for each in rungs]),
            Series("did not help", "rung-not", [each.asked - each.helped for each in rungs]),
        ],
        f"Stacked bars: questions by rung, and how many of them helped: {told}. The table below has the numbers.",
        lying=True,
    )


def _short(name: str) -> str:
    return name if len(name) <= LABEL else f"{name[: LABEL - 1]}…"
