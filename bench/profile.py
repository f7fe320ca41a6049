"""Draws a flame graph of toolmend under one scenario, by py-spy.

python -m bench.profile --scenario lockstep --to profile.svg
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import uvloop

from bench.engine import Engine, text
from bench.scenarios import SCENARIOS, listening
from bench.targets import target

SECONDS = 15


async def profiled(scenario: str, to: Path, folder: Path) -> None:
    """Drive a scenario while toolmend is looked at."""
    engine = Engine(text(2))
    async with listening(engine) as port:
        with target("toolmend", folder / "toolmend", port) as made:
            spy = Path(sys.executable).with_name("py-spy")
            found = str(spy) if spy.exists() else shutil.which("py-spy") or "py-spy"
            words = [found, "record", "--pid", str(made.process.pid), "--duration", str(SECONDS), "--rate", "500", "--gil"]
            process = subprocess.Popen([*words, "--output", str(to)])  # noqa: ASYNC220 - it is waited for by looking
            while process.poll() is None:
                print(await SCENARIOS[scenario](made, engine), flush=True)


def main() -> None:
    """Read the command line, and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", choices=SCENARIOS, default="lockstep")
    parser.add_argument("--to", type=Path, default=Path("profile.svg"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(profiled(given.scenario, given.to, Path(folder)))


if __name__ == "__main__":
    main()
