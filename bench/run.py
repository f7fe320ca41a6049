"""Runs toolmend beside nginx and a naive relay, in turns, and prints one table of medians and ratios, and one of goals.

    python -m bench.run --rounds 5 [--only lockstep,requests] [--targets "toolmend;naive"] [--write docs/performance.md]
    python -m bench.run --variants [--peers python=/path/to/python] [--write docs/performance.md]

Each target is pinned to the first processor, the engine and the clients to the others (two workers have all). Only ratios of
one run compare.
"""

from __future__ import annotations

import argparse
import asyncio
import compileall
import os
import platform
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import aiohttp
import uvloop

from bench import goals
from bench.engine import Engine, text
from bench.goals import Medians
from bench.peers import ROOT, NotHere
from bench.scenarios import FIRST, SCENARIOS, Figures, listening, median
from bench.targets import ASYNCIO, SPREAD, Target, target, title
from docs.markdown import with_between


@dataclass(frozen=True)
class Bench:
    """Which targets are measured in what, beside whom, and where in a page that is written."""

    targets: tuple[str, ...]
    scenarios: tuple[str, ...]
    beside: tuple[str, ...]
    begin: str
    end: str


OTHERS = Bench(
    ("nginx", "naive", "toolmend", "toolmend, no logprobs"),
    tuple(each for each in SCENARIOS if each != "throughput"),
    ("nginx", "naive"),
    "<!-- bench: written by make bench -->",
    "<!-- end of bench -->",
)
VARIANTS = Bench(
    ("toolmend", ASYNCIO, SPREAD),
    ("start", "requests", "lockstep", "throughput"),
    (),
    "<!-- variants: written by make bench-variants -->",
    "<!-- end of variants -->",
)

Found = dict[str, dict[str, list[float]]]
"""Figure -> target -> what each round found."""


async def measured(names: list[str], scenarios: list[str], rounds: int, folder: Path) -> tuple[Found, dict[str, str]]:
    """Measure, and say what is missing and why."""
    found: Found = defaultdict(lambda: defaultdict(list))
    missing: dict[str, str] = {}
    processors = sorted(os.sched_getaffinity(0))
    engine = Engine(text(2))
    async with listening(engine) as port:
        with ExitStack() as stack:
            running: list[Target] = []
            for name in names:
                try:
                    own = () if name == SPREAD else processors[:1]
                    running.append(stack.enter_context(target(name, folder / f"{len(running)}", port, own)))
                except NotHere as error:
                    missing[name] = str(error)
            os.sched_setaffinity(0, processors[1:] or processors)
            for at in range(rounds):
                for scenario in (each for each in scenarios if not at or each not in FIRST):
                    for each in running if at % 2 else reversed(running):
                        figures: Figures = await SCENARIOS[scenario](each, engine)
                        for figure, value in figures.items():
                            found[figure][each.name].append(value)
                        print(f"{at + 1}/{rounds} {scenario}, {each.name}: {figures}", flush=True)
    return found, missing


def table(medians: Medians, names: list[str], beside: Sequence[str]) -> list[str]:
    """Write medians, and ratios to others."""
    lines = ["| | " + " | ".join([*map(title, names), *(f"toolmend to {other}" for other in beside)]) + " |"]
    lines.append("|---|" + "---|" * (len(names) + len(beside)))
    for figure, values in medians.items():
        cells = [f"{values[name]:.3g}" if name in values else "" for name in names]
        cells += [f"{values['toolmend'] / values[other]:.2f}" if values.get(other) else "" for other in beside]
        lines.append(f"| {figure} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    """Read the command line, measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--variants", action="store_true", help="toolmend in several ways, in place of toolmend beside others")
    parser.add_argument("--only", default="", help="scenarios, separated by commas")
    parser.add_argument("--targets", default="", help="separated by semicolons")
    parser.add_argument("--peers", default="", help="further targets, such as litellm or python=/path, separated by commas")
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    chosen = VARIANTS if given.variants else OTHERS
    names = list(filter(None, given.targets.split(";"))) or list(chosen.targets)
    names += list(filter(None, given.peers.split(",")))
    scenarios = list(filter(None, given.only.split(","))) or list(chosen.scenarios)
    for package in ("proxy", "adapters", "rules"):
        compileall.compile_dir(ROOT / package, quiet=2)
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found, missing = runner.run(measured(names, scenarios, given.rounds, Path(folder)))
    medians = {figure: {name: median(values) for name, values in each.items()} for figure, each in found.items()}
    lines = table(
        medians, [name for name in names if name not in missing], [each for each in chosen.beside if each not in missing]
    )
    lines += [] if given.variants else ["", "The goals, in that run:", "", *goals.lines(medians)]
    for name, why in missing.items():
        lines.append(f"\nNot here: {name}: {why}")
    machine = f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"
    about = f"{date.today()}, {given.rounds} rounds, Python {platform.python_version()}, aiohttp {aiohttp.__version__}, {machine}"
    print("\n".join([about, "", *lines]))
    if given.write:
        page = given.write.read_text()
        given.write.write_text(with_between(page, chosen.begin, chosen.end, "\n".join(["", "", about, "", *lines, "", ""])))


if __name__ == "__main__":
    main()
