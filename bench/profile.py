"""Looks by py-spy at what toolmend does under one scenario: a flame graph, or the shares of functions as a table.

python -m bench.profile --scenario lockstep --to profile.svg
python -m bench.profile --scenario requests --to profile.txt
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import uvloop

from bench.engine import Engine, text
from bench.scenarios import SCENARIOS, listening
from bench.targets import target

SECONDS = 15
EVERYTHING = 0.98
"""Who has a greater share is the loop, or was called by it once."""


async def profiled(scenario: str, to: Path, folder: Path) -> None:
    """Drive a scenario while toolmend is looked at."""
    engine = Engine(text(2))
    async with listening(engine) as port:
        with target("toolmend", folder / "toolmend", port) as made:
            spy = Path(sys.executable).with_name("py-spy")
            found = str(spy) if spy.exists() else shutil.which("py-spy") or "py-spy"
            words = [found, "record", "--pid", str(made.process.pid), "--duration", str(SECONDS), "--rate", "500", "--gil"]
            form = ["--format", "raw"] if to.suffix == ".txt" else []
            process = subprocess.Popen([*words, *form, "--output", str(to)])  # noqa: ASYNC220 - it is waited for by looking
            while process.poll() is None:
                print(await SCENARIOS[scenario](made, engine), flush=True)


def shares(stacks: str, least: float = 0.02) -> list[str]:
    """Write which functions have a share of all samples, what they call included, as a table. `stacks`: py-spy's raw output."""
    found: Counter[str] = Counter()
    for line in stacks.splitlines():
        frames, _, count = line.rpartition(" ")
        names = {frame.rpartition(":")[0] for frame in frames.split(";")}  # without the line
        found.update(dict.fromkeys(names, int(count)))
    total = max(found.values(), default=1)
    rows = [f"| `{name})` | {count / total:.0%} |" for name, count in found.most_common() if least <= count / total < EVERYTHING]
    return ["| function | share |", "|---|---|", *rows]


def main() -> None:
    """Read the command line, and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", choices=SCENARIOS, default="lockstep")
    parser.add_argument("--to", type=Path, default=Path("profile.svg"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(profiled(given.scenario, given.to, Path(folder)))
    if given.to.suffix == ".txt":
        print("\n".join(shares(given.to.read_text())))


if __name__ == "__main__":
    main()
