"""Runs EvalScope's agent loop in its own environment, by the small script evalscope_loop.py."""

import json
from pathlib import Path

from .model import NAME
from .modes import Mode
from .outcome import Ending
from .process import Place, run

SCRIPT = Path(__file__).with_name("evalscope_loop.py")


async def drive(python: Path, mode: Mode, base_url: str, place: Place, task: str) -> Ending:
    """Run the loop on the task in the repository."""
    (strategy,) = mode.settings
    told = {"strategy": strategy, "url": base_url, "model": NAME, "task": task, "repository": str(place.repository)}
    in_time = await run(place, [str(python), "-P", str(SCRIPT), json.dumps(told), str(place.outcome)], {})
    return read_ending(place.outcome, in_time=in_time)


def read_ending(outcome: Path, *, in_time: bool) -> Ending:
    """Read how the run ended from what the script wrote down."""
    if not outcome.is_file():
        return Ending("raised" if in_time else "killed")
    told = json.loads(outcome.read_text())
    return Ending(told["status"], told["status"] == "sentinel", told["submission"])
