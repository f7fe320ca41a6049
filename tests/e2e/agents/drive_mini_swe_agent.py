"""Runs the real mini-swe-agent: its own command, its own configuration, a few settings of ours on top."""

import json
from pathlib import Path

from .model import NAME
from .modes import Mode
from .outcome import Ending
from .process import Place, run

SETTINGS = Path(__file__).with_name("mini_swe_agent.yaml")


async def drive(python: Path, mode: Mode, base_url: str, place: Place, task: str) -> Ending:
    """Run `mini` on the task in the repository, without anybody to ask."""
    specs = [*mode.settings, str(SETTINGS), f"model.model_kwargs.api_base={base_url}", f"environment.cwd={place.repository}"]
    command = [
        str(python), "-m", "minisweagent.run.mini", *(word for spec in specs for word in ("-c", spec)),
        "--model", f"openai/{NAME}", "--task", task, "--yolo", "--exit-immediately", "--output", str(place.outcome),
    ]  # fmt: skip
    more = {
        "MSWEA_CONFIGURED": "true",  # else it asks for a key at its first start
        "MSWEA_GLOBAL_CONFIG_DIR": str(place.root / "config"),
        "MSWEA_SILENT_STARTUP": "1",
        "MSWEA_MODEL_RETRY_STOP_AFTER_ATTEMPT": "1",
    }
    in_time = await run(place, command, more)
    return read_ending(place.outcome, in_time=in_time)


def read_ending(trajectory: Path, *, in_time: bool) -> Ending:
    """Read how the run ended from the trajectory that mini-swe-agent writes after each step."""
    if not trajectory.is_file():
        return Ending("no trajectory" if in_time else "killed")
    info = json.loads(trajectory.read_text())["info"]
    status = info["exit_status"] or ("unfinished" if in_time else "killed")
    return Ending(status, status == "Submitted", info["submission"])
