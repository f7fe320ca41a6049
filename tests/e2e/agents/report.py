"""Writes down how the runs ended: a table for the eye and for docs/."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from .modes import Mode
from .outcome import Run
from .shapes import Shape


@dataclass(frozen=True, slots=True)
class Row:
    """A mode with a way of writing and its runs; a road that was not taken is missing."""

    mode: Mode
    shape: Shape
    direct: Run | None
    proxied: Run | None


def markdown(rows: Sequence[Row], day: date) -> str:
    return ""


def summary(rows: Sequence[Row]) -> str:
    """Return one sentence with the counts."""
    counts = []
    for road, runs in (("directly", [row.direct for row in rows]), ("through toolmend", [row.proxied for row in rows])):
        made = [run for run in runs if run]
        counts.append(f"Good {road}: {sum(run.good for run in made)} of {len(made)}." if made else f"Not run {road}.")
    return " ".join(counts)
