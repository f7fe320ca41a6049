"""How a run of OpenHands ended, read from what it left: its log, its events and the workspace."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from .task import FILE, is_right

_STATE = re.compile(r"state from \S+ to AgentState\.(\w+)")
_ABORT = re.compile(r"(?:AgentStuckInLoopError|RuntimeError|AttributeError|TypeError|[\w.]*BadRequestError)\b: [^\n]+")


@dataclass(frozen=True, slots=True)
class Run:
    """One run: the agent's last state, what went wrong, and whether the file is as meant."""

    state: str
    right_file: bool
    errors: tuple[str, ...]
    seconds: float
    requests: int = 0

    @property
    def good(self) -> bool:
        """Tell whether the agent finished and the file is as meant."""
        return self.state == "FINISHED" and self.right_file


def read_run(root: Path, seconds: float, *, in_time: bool) -> Run:
    """Read the run that lived in a folder; the requests are the model's to count and stay 0 here."""
    log = re.sub(r"\x1b\[[0-9;]*m", "", _text(root / "openhands.log"))
    states = _STATE.findall(log)
    return Run(
        state=(states[-1] if states else "NO STATE") + ("" if in_time else " (killed)"),
        right_file=is_right(_text(root / "workspace" / FILE)),
        errors=(*_observed(root / "trajectory.json"), *dict.fromkeys(_ABORT.findall(log))),
        seconds=seconds,
    )


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.is_file() else ""


def _observed(trajectory: Path) -> list[str]:
    """Return the errors that OpenHands told the agent, each once, with how often."""
    events = json.loads(_text(trajectory) or "[]")
    told = Counter(str(event.get("content")) for event in events if event.get("observation") == "error")
    return [f"{count} x {text}" if count > 1 else text for text, count in told.items()]
