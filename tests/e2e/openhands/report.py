"""Writes down how the cases ended: a table for the eye and for docs/."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from .cases import Case
from .outcome import Run


@dataclass(frozen=True, slots=True)
class Row:
    """A case with its runs; `proxied` is missing where toolmend was not run."""

    case: Case
    direct: Run
    proxied: Run | None = None

    @property
    def as_expected(self) -> bool:
        """Tell whether toolmend makes it finish and OpenHands alone does what the case says of it."""
        direct_is = self.direct.good == bool(self.case.tolerated_direct)
        return direct_is and (self.proxied is None or self.proxied.good)


_HEAD = """\
# OpenHands 0.59.0, directly and through toolmend

Made by `make e2e-openhands` on {day}. **OpenHands is the real one** (0.59.0, headless, at most 8 iterations, CLI runtime).
**The model is a simulation**: a scripted server that makes the same mistake each time, and writes the call rightly only
when it is shown its own failed attempt together with a complaint. t-cases use OpenHands' text protocol, n-cases its native
one. A run is good if it ends in FINISHED and `hello.py` is right to the character. *requests* counts those that reached
the model; three are needed (n39: four). "Tolerated" marks what OpenHands copes with unaided; the reasons stand below.

{summary}

| case | what the model does | directly | file | requests | through toolmend | file | requests | as expected |
|---|---|---|---|---:|---|---|---:|---|
"""


def markdown(rows: Sequence[Row], day: date) -> str:
    """Return the whole report."""
    lines = [_line(row) for row in rows]
    return _HEAD.format(day=day.isoformat(), summary=summary(rows)) + "\n".join(lines) + "\n" + _said(rows)


def summary(rows: Sequence[Row]) -> str:
    """Return one sentence with the counts."""
    direct = sum(row.direct.good for row in rows)
    through = [row.proxied for row in rows if row.proxied]
    proxied = f"{sum(run.good for run in through)} of {len(through)}" if through else "not run"
    odd = [row.case.id for row in rows if not row.as_expected]
    return f"Good directly: {direct} of {len(rows)}. Good through toolmend: {proxied}. Unexpected: {', '.join(odd) or 'none'}."


def _line(row: Row) -> str:
    does = row.case.does + (" (tolerated)" if row.case.tolerated_direct else "")
    cells = [row.case.id, does, *_cells(row.direct), *_cells(row.proxied), "yes" if row.as_expected else "NO"]
    return "| " + " | ".join(cell.replace("|", "\\|").replace("<", "&lt;") for cell in cells) + " |"


def _cells(run: Run | None) -> list[str]:
    if run is None:
        return ["-", "-", "-"]
    return [run.state, "right" if run.right_file else "wrong", str(run.requests)]


def _said(rows: Sequence[Row]) -> str:
    """List what OpenHands said in the direct runs that were not good, and why the others are tolerated."""
    lines = ["", "## What OpenHands said directly", ""]
    for row in rows:
        said = [f"`{_short(error)}`" for error in row.direct.errors]
        lines.append(f"- {row.case.id}: {'; '.join(said) or 'nothing'}")
        if row.case.tolerated_direct:
            lines.append(f"  (tolerated: {row.case.tolerated_direct})")
    return "\n".join(lines) + "\n"


def _short(error: str) -> str:
    line = " ".join(error.replace("`", "'").split())
    return line if len(line) <= 160 else line[:157] + "..."
