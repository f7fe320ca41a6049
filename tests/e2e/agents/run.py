"""Runs every mode with every way of writing, directly and through toolmend, and prints the table.

The model is a scripted simulation; the frameworks are real. Ends with 0 only if every run through toolmend is good.
"""

import argparse
import asyncio
import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import TypeVar

from tests.e2e.openhands.model import Heard
from tests.e2e.openhands.proxied import NotListening, toolmend

from . import drive_evalscope, drive_mini_swe_agent, swe_agent_imitation
from .model import served
from .modes import MODES, Framework, Mode
from .outcome import Ending, Run
from .process import Place
from .report import Row, markdown, summary
from .shapes import SHAPES, Shape
from .task import FIXED, TASK, is_fixed, make_repository, passes
from .venv import NotToBeHad, python_of

Drive = Callable[[Path, Mode, str, Place, str], Awaitable[Ending]]
"""Runs a framework: its Python, the mode, the base URL, the folder, the task."""

DRIVERS: Mapping[Framework, Drive] = {
    "mini-swe-agent": drive_mini_swe_agent.drive,
    "evalscope": drive_evalscope.drive,
    "swe-agent-imitation": swe_agent_imitation.drive,
}

T = TypeVar("T")

_ROOT = Path(__file__).resolve().parents[3]
_TOOLMEND = ["env", f"PYTHONPATH={_ROOT}", sys.executable, "-m", "proxy"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run, and where it is kept."""

    pythons: Mapping[Framework, Path]
    keep: Path | None
    roads: tuple[bool, ...]


@asynccontextmanager
async def _road(mode: Mode, port: int, log: Path, *, through: bool) -> AsyncIterator[str]:
    """Yield the base URL that the framework is given."""
    upstream = f"http://127.0.0.1:{port}"
    if not through:
        yield f"{upstream}/v1"
        return
    async with toolmend(_TOOLMEND, upstream, log) as url:
        yield url.removesuffix("/v1") + f"{mode.prefix}/v1"


async def _run_once(plan: Plan, mode: Mode, shape: Shape, *, through: bool) -> Run:
    """Run a framework once, in a folder of its own that holds all it writes."""
    with tempfile.TemporaryDirectory(prefix="e2e-agents-", ignore_cleanup_errors=True) as name:
        place = _prepared(name)
        begun = time.monotonic()
        async with served(mode, shape) as (port, heard):
            try:
                async with _road(mode, port, place.root / "toolmend.log", through=through) as url:
                    ending = await DRIVERS[mode.framework](plan.pythons[mode.framework], mode, url, place, TASK)
            except NotListening as why:
                ending = Ending(str(why))
        if plan.keep:
            _copy(place.root, heard, plan.keep / f"{mode.id}-{shape.id}" / ("toolmend" if through else "direct"))
        patched = not mode.patches or "+" + FIXED.splitlines()[0] in ending.submission.splitlines()
        return Run(ending, is_fixed(place.repository), patched, time.monotonic() - begun, len(heard.bodies))


def _prepared(name: str) -> Place:
    """Make the folder of a run; its test must fail."""
    root = Path(name).resolve()
    place = Place(root, make_repository(root))
    if passes(place.repository):
        raise AssertionError("the repository is not broken")
    return place


def _copy(root: Path, heard: Heard, keep: Path) -> None:
    keep.mkdir(parents=True, exist_ok=True)
    (keep / "requests.jsonl").write_text("".join(json.dumps(body, ensure_ascii=False) + "\n" for body in heard.bodies))
    for name in ("agent.log", "outcome.json", "toolmend.log"):
        if (root / name).is_file():
            shutil.copy(root / name, keep / name)


async def _row(plan: Plan, mode: Mode, shape: Shape, turn: asyncio.Semaphore) -> Row:
    async with turn:
        runs = {through: await _run_once(plan, mode, shape, through=through) for through in plan.roads}
    row = Row(mode, shape, runs.get(False), runs.get(True))
    told = [f"{'toolmend' if through else 'direct'} {_told(run)}" for through, run in runs.items()]
    print(f"{mode.id:20} {shape.id:10} {'; '.join(told)}", file=sys.stderr, flush=True)
    return row


def _told(run: Run) -> str:
    return f"{'good' if run.good else 'BAD'}: {run.ending.status}, {run.requests} requests, {run.seconds:.0f} s"


async def _rows(plan: Plan, pairs: Iterable[tuple[Mode, Shape]], jobs: int) -> list[Row]:
    turn = asyncio.Semaphore(jobs)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_row(plan, mode, shape, turn)) for mode, shape in pairs]
    return [task.result() for task in tasks]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modes", default="", metavar="mini-text,...", help="these modes instead of all")
    parser.add_argument("--shapes", default="", metavar="own,gemma,...", help="these ways of writing instead of all")
    parser.add_argument("--direct-only", action="store_true", help="without toolmend")
    parser.add_argument("--toolmend-only", action="store_true", help="only through toolmend")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time (each wants a core)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table as Markdown")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep logs, outcomes and requests of every run")
    return parser.parse_args()


def _chosen(only: str, known: Mapping[str, T]) -> list[T]:
    names = [name for name in re.split(r"[,\s]+", only) if name]
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in names or known]


def main() -> int:
    """Run the command."""
    given = _arguments()
    modes, shapes = _chosen(given.modes, MODES), _chosen(given.shapes, SHAPES)
    try:
        pythons = {framework: python_of(framework) for framework in dict.fromkeys(mode.framework for mode in modes)}
    except NotToBeHad as missing:
        raise SystemExit(str(missing)) from missing
    roads = tuple(through for through in (False, True) if not (given.direct_only if through else given.toolmend_only))
    plan = Plan(pythons, given.keep and given.keep.resolve(), roads)
    rows = asyncio.run(_rows(plan, product(modes, shapes), given.jobs))
    table = markdown(rows, datetime.now(UTC).date())
    print(table)
    if given.write:
        given.write.write_text(table)
    print(summary(rows), file=sys.stderr)
    return 0 if all(row.proxied is None or row.proxied.good for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
