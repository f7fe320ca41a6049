"""Writes down how the runs ended: a table for the eye and for docs/."""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from .modes import MODES, Mode
from .outcome import Run
from .shapes import SHAPES, Shape
from .venv import FRAMEWORKS


@dataclass(frozen=True, slots=True)
class Row:
    """A mode with a way of writing and its runs; a road that was not taken is missing."""

    mode: Mode
    shape: Shape
    direct: Run | None
    proxied: Run | None


_HEAD = """\
# mini-swe-agent and EvalScope, directly and through toolmend

Made by `make e2e-agents` on {day}, with Python {python}. Each run gives a real framework a repository whose calc.py lacks a
colon; it is good if the file is right to the character, its test passes, and the work was handed in as the mode does it
(where a patch is handed in, it holds the fix). No run is repeated.

**What is real:** {versions}toolmend, started before the model with no options; HTTP over the loopback; the commands.

**What is simulated:** the model. A scripted server does the steps (look, fix, test, write the patch where one is asked for,
submit) from what the conversation shows, and writes each action in the one way that stands above the column. It keeps to
that way whatever it is told, with four exceptions: told that it must be one action, it takes its first; asked again after an
unclosed thought, it closes the thought; told that it goes round, it goes on; told how the work is handed in, it does so. Its name, `local-model`, tells toolmend nothing of its family.

**What is imitated:** SWE-agent 1.1.0, in a table of its own. It is on no package registry, so it was not run. The imitation
(`tests/e2e/agents/swe_agent_imitation.py`) is ours: it shows that the parts fit, not that SWE-agent is content.

In a cell: directly -> through toolmend; the number counts the requests that reached the model.

{summary}
"""

_ROADS: tuple[tuple[str, Callable[[Row], Run | None]], ...] = (
    ("directly", lambda row: row.direct),
    ("through toolmend", lambda row: row.proxied),
)


def markdown(rows: Sequence[Row], day: date) -> str:
    """Return the whole report."""
    real, imitated = ([row for row in rows if _is_real(row) == wanted] for wanted in (True, False))
    parts = [
        _HEAD.format(day=day.isoformat(), python=sys.version.split()[0], versions=_versions(rows), summary=summary(rows)),
        *([_table("The real frameworks", real)] if real else []),
        *([_table("The imitation of SWE-agent", imitated)] if imitated else []),
        _legend(rows),
        *(_endings(road, [(row, run) for row in rows if (run := of(row))]) for road, of in _ROADS),
    ]
    return "\n".join(part for part in parts if part)


def summary(rows: Sequence[Row]) -> str:
    """Return the counts, of the real frameworks and of the imitation."""
    kinds = (("Real frameworks", True), ("Imitation", False))
    return " ".join(f"{name}: {counts}." for name, real in kinds if (counts := _counts([r for r in rows if _is_real(r) == real])))


def _is_real(row: Row) -> bool:
    return row.mode.framework in FRAMEWORKS


def _counts(rows: Sequence[Row]) -> str:
    runs = {road: [run for row in rows if (run := of(row))] for road, of in _ROADS}
    return ", ".join(f"good {road} {sum(run.good for run in made)} of {len(made)}" for road, made in runs.items() if made)


def _versions(rows: Iterable[Row]) -> str:
    shown = [FRAMEWORKS[name].packages for name in dict.fromkeys(row.mode.framework for row in rows) if name in FRAMEWORKS]
    return "".join(", ".join(f"{package} {version}" for package, version in packages.items()) + "; " for packages in shown)


def _table(title: str, rows: Sequence[Row]) -> str:
    shapes = list(dict.fromkeys(row.shape.id for row in rows))
    lines = [f"## {title}", "", f"| mode | {' | '.join(shapes)} |", "|---" * (len(shapes) + 1) + "|"]
    cells: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        cells[row.mode.id][row.shape.id] = " -> ".join(_cell(run) for _, of in _ROADS if (run := of(row)))
    lines += [f"| {mode} | {' | '.join(found.get(shape, '') for shape in shapes)} |" for mode, found in cells.items()]
    return "\n".join([*lines, ""])


def _cell(run: Run) -> str:
    return f"{'yes' if run.good else '**no**'} {run.requests}"


def _legend(rows: Sequence[Row]) -> str:
    modes, shapes = {row.mode.id for row in rows}, {row.shape.id for row in rows}
    told = [
        "What the modes expect:",
        "",
        *(f"- {mode.id}: {mode.expects}{_path(mode)}" for mode in MODES.values() if mode.id in modes),
        "",
        "What the model writes:",
        "",
        *(f"- {shape.id}: {shape.does}" for shape in SHAPES.values() if shape.id in shapes),
    ]
    return "\n".join([*told, ""])


def _path(mode: Mode) -> str:
    return f"; base URL with `{mode.prefix}/v1`" if mode.prefix else ""


def _endings(road: str, runs: Sequence[tuple[Row, Run]]) -> str:
    """List how the runs ended that were not good."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row, run in runs:
        if not run.good:
            found[row.mode.id, _status(run)].append(row.shape.id)
    lines = [f"- {mode}: `{status}` ({', '.join(shapes)})" for (mode, status), shapes in found.items()]
    return "\n".join([f"How the runs {road} ended that were not good:", "", *lines, ""]) if lines else ""


def _status(run: Run) -> str:
    missing = [name for name, there in (("file not fixed", run.fixed), ("no patch", run.patched)) if not there]
    line = " ".join(run.ending.status.split())[:120]
    return "; ".join([line, *(missing if run.ending.submitted else [])])
