"""Runs toolmend beside nginx and a naive relay, in turns, and prints one table of medians and ratios.

    python -m bench.run --rounds 5 [--only lockstep,requests] [--targets toolmend,naive] [--write docs/performance.md]

Each target is pinned to the first processor, the engine and the clients to the others. Only ratios of one run compare.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

import uvloop

from bench.engine import Engine, text
from bench.peers import NotHere
from bench.scenarios import FIRST, SCENARIOS, Figures, listening, median
from bench.targets import Target, target
from docs.markdown import with_between

TARGETS = ("nginx", "naive", "toolmend", "toolmend, no logprobs")

BEGIN, END = "<!-- bench: written by make bench -->", "<!-- end of bench -->"

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
                    running.append(stack.enter_context(target(name, folder / name.replace(" ", "-"), port, processors[:1])))
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


def table(found: Found, names: list[str]) -> list[str]:
    """Write medians, and ratios to nginx and to the naive relay."""
    lines = [
        "| | " + " | ".join(names) + " | toolmend to nginx | toolmend to naive |",
        "|---|" + "---|" * (len(names) + 2),
    ]
    for figure, each in found.items():
        values = {name: median(each.get(name, [])) for name in names}
        ours = values.get("toolmend", float("nan"))
        ratios = [ours / values[other] if values.get(other) else float("nan") for other in ("nginx", "naive")]
        cells = [f"{value:.3g}" for value in values.values()] + [f"{ratio:.2f}" for ratio in ratios]
        lines.append(f"| {figure} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    """Read the command line, measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default=",".join(SCENARIOS))
    parser.add_argument("--targets", default=";".join(TARGETS), help="separated by semicolons")
    parser.add_argument("--peers", default="", help="further targets, such as litellm, separated by commas")
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    names, scenarios = given.targets.split(";"), given.only.split(",")
    names += list(filter(None, given.peers.split(",")))
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found, missing = runner.run(measured(names, scenarios, given.rounds, Path(folder)))
    lines = table(found, [name for name in names if name not in missing])
    for name, why in missing.items():
        lines.append(f"\nNot here: {name}: {why}")
    machine = f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"
    about = f"{given.rounds} rounds, Python {platform.python_version()}, {machine}"
    print("\n".join([about, "", *lines]))
    if given.write:
        given.write.write_text(with_between(given.write.read_text(), BEGIN, END, "\n".join(["", "", about, "", *lines, "", ""])))


if __name__ == "__main__":
    main()
