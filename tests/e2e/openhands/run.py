"""Runs the cases with the real OpenHands, directly and through toolmend, and prints the table.

The model is a scripted simulation; OpenHands is real. Ends with 0 only if every case is as expected.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from .cases import Case, chosen
from .drive import drive
from .model import Heard, served
from .outcome import Run
from .proxied import NotListening, toolmend, toolmend_command
from .report import Row, markdown, summary
from .venv import NoOpenHands, openhands_python


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run, and with what."""

    python: Path
    keep: Path
    command: list[str] | None
    proxy_url: str | None
    model_port: int

    @property
    def proxies(self) -> bool:
        """Tell whether there is a toolmend to run through."""
        return bool(self.command or self.proxy_url)


@asynccontextmanager
async def _road(plan: Plan, upstream: str, log: Path, *, through: bool) -> AsyncIterator[str]:
    """Yield the base URL that OpenHands is given."""
    if not through:
        yield upstream
    elif plan.proxy_url:
        yield plan.proxy_url
    else:
        async with toolmend(plan.command or [], upstream, log) as url:
            yield url


async def _run_once(plan: Plan, case: Case, *, through: bool) -> Run:
    keep = plan.keep / case.id / ("toolmend" if through else "direct")
    async with served(case, plan.model_port) as (port, heard):
        upstream = f"http://127.0.0.1:{port}/v1"
        try:
            async with _road(plan, upstream, keep / "toolmend.log", through=through) as url:
                run = await drive(plan.python, url, native=case.native, keep=keep)
        except NotListening as why:
            run = Run("toolmend did not start", right_file=False, errors=(str(why),), seconds=0)
    _write_requests(keep, heard)
    return replace(run, requests=len(heard.bodies))


def _write_requests(keep: Path, heard: Heard) -> None:
    lines = (json.dumps(body, ensure_ascii=False) for body in heard.bodies)
    (keep / "requests.jsonl").write_text("\n".join(lines) + "\n")


async def _row(plan: Plan, case: Case, turn: asyncio.Semaphore) -> Row:
    async with turn:
        direct = await _run_once(plan, case, through=False)
        proxied = await _run_once(plan, case, through=True) if plan.proxies else None
    row = Row(case, direct, proxied)
    told = f"{_told('direct', direct)}; {_told('toolmend', proxied)}"
    print(f"{case.id}  {told}{'' if row.as_expected else '  UNEXPECTED'}", file=sys.stderr, flush=True)
    return row


def _told(road: str, run: Run | None) -> str:
    if run is None:
        return f"{road} not run"
    file = "right file" if run.right_file else "wrong file"
    return f"{road} {run.state}, {file}, {run.requests} requests, {run.seconds:.0f} s"


async def _rows(plan: Plan, cases: list[Case], jobs: int) -> list[Row]:
    turn = asyncio.Semaphore(jobs)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_row(plan, case, turn)) for case in cases]
    return [task.result() for task in tasks]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="t01,n02", help="these cases instead of all")
    parser.add_argument("--direct-only", action="store_true", help="without toolmend")
    parser.add_argument("--toolmend", metavar="CMD", help="the command (default: beside this Python, else on the path)")
    parser.add_argument("--proxy-url", metavar="URL", help="a proxy that runs already; its upstream is --model-port")
    parser.add_argument("--model-port", type=int, default=0, help="a fixed port for the model (one run at a time)")
    parser.add_argument("--jobs", type=int, default=2, help="runs of OpenHands at a time (each wants a core)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table as Markdown")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep logs, events and requests of every run")
    return parser.parse_args()


def _plan(given: argparse.Namespace, scratch: Path) -> Plan:
    command = None if given.direct_only or given.proxy_url else toolmend_command(given.toolmend)
    if not (command or given.direct_only or given.proxy_url):
        raise SystemExit("no toolmend command found: install it, or give --toolmend, --proxy-url or --direct-only")
    try:
        python = openhands_python()
    except NoOpenHands as missing:
        raise SystemExit(str(missing)) from missing
    url = None if given.direct_only else given.proxy_url
    return Plan(python, (given.keep or scratch).resolve(), command, url, given.model_port)


def main() -> int:
    """Run the command."""
    given = _arguments()
    try:
        cases = chosen(given.only)
    except KeyError as unknown:
        raise SystemExit(f"no case {unknown}") from unknown
    with tempfile.TemporaryDirectory(prefix="e2e-openhands-") as scratch:
        plan = _plan(given, Path(scratch))
        rows = asyncio.run(_rows(plan, cases, 1 if plan.model_port else given.jobs))
    table = markdown(rows, datetime.now(UTC).date())
    print(table)
    if given.write:
        given.write.write_text(table)
    print(summary(rows), file=sys.stderr)
    return 0 if all(row.as_expected for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
