"""Runs a framework as a process of its own: own group, own home, no network but the loopback, an end in any case."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

HARD_LIMIT = 180.0
"""Seconds after which the process group of a run is killed."""

_QUIET = {
    "NO_PROXY": "127.0.0.1",
    "OPENAI_API_KEY": "not-needed",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else litellm fetches its price list
    "HF_HUB_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of one run, and what lies in it."""

    root: Path
    repository: Path

    @property
    def log(self) -> Path:
        """Return where the framework's output goes."""
        return self.root / "agent.log"

    @property
    def outcome(self) -> Path:
        """Return where the framework, or our script in its environment, writes down what happened."""
        return self.root / "outcome.json"


async def run(place: Place, command: Sequence[str], more: Mapping[str, str]) -> bool:
    """Run a command in the repository; returns False if it had to be killed."""
    with place.log.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=place.repository, env=_environment(place.root, more), start_new_session=True,
            stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            await asyncio.wait_for(process.wait(), HARD_LIMIT)
        except TimeoutError:
            return False
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return True


def _environment(root: Path, more: Mapping[str, str]) -> dict[str, str]:
    """Return an environment of its own: of the caller's only the search path, the language and the time zone."""
    inherited = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    return {**inherited, **_QUIET, "HOME": str(root), "TMPDIR": str(root), **more}
