"""Runs the real OpenHands 0.59.0 headless on the task: one fresh workspace, no network but the loopback."""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from .outcome import Run, read_run
from .task import TASK

SERVED_NAME = "gemma-4-26b-a4b-it"
"""Not on OpenHands' list of names: without LLM_NATIVE_TOOL_CALLING it gets the text protocol."""

MAX_ITERATIONS = 8
HARD_LIMIT = 120.0
"""Seconds after which the process group of a run is killed."""

_CONFIG = """\
[core]
runtime = "cli"
enable_browser = false
file_store = "memory"
cache_dir = "{root}/home/cache"
workspace_base = "{root}/workspace"
save_trajectory_path = "{root}/trajectory.json"

[agent]
enable_browsing = false
enable_jupyter = false
enable_mcp = false
"""

_KEPT = ("openhands.log", "trajectory.json")


async def drive(python: Path, base_url: str, *, native: bool, keep: Path | None = None) -> Run:
    """Run OpenHands once, in a folder of its own that holds all it writes; `keep` gets its log and events."""
    with tempfile.TemporaryDirectory(prefix="openhands-", ignore_cleanup_errors=True) as name:
        root = _prepared(name)
        begun = time.monotonic()
        in_time = await _run(python, root, _environment(root / "home", base_url, native=native))
        run = read_run(root, time.monotonic() - begun, in_time=in_time)
        if keep:
            _copy(root, keep)
        return run


def _prepared(name: str) -> Path:
    """Make the workspace, the home and the configuration of a run."""
    root = Path(name).resolve()
    (root / "workspace").mkdir()
    (root / "home").mkdir()
    (root / "config.toml").write_text(_CONFIG.format(root=root))
    return root


def _copy(root: Path, keep: Path) -> None:
    keep.mkdir(parents=True, exist_ok=True)
    for name in _KEPT:
        if (root / name).is_file():
            shutil.copy(root / name, keep / name)


def _environment(home: Path, base_url: str, *, native: bool) -> dict[str, str]:
    """Return an environment of its own: of the caller's only the search path, the language and the time zone."""
    inherited = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    protocol = {"LLM_NATIVE_TOOL_CALLING": "true"} if native else {}
    return {
        **inherited,
        **protocol,
        "HOME": str(home),
        "TMPDIR": str(home),
        "NO_PROXY": "127.0.0.1",
        "LLM_MODEL": f"openai/{SERVED_NAME}",
        "LLM_BASE_URL": base_url,
        "LLM_API_KEY": "not-needed",
        "LLM_NUM_RETRIES": "1",
        "LLM_RETRY_MIN_WAIT": "1",
        "LLM_RETRY_MAX_WAIT": "1",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else litellm fetches its price list
        "PYTHONDONTWRITEBYTECODE": "1",
    }


async def _run(python: Path, root: Path, environment: dict[str, str]) -> bool:
    """Run the process in a group of its own; return False if it had to be killed."""
    options = ["--config-file", str(root / "config.toml"), "-t", TASK, "-i", str(MAX_ITERATIONS)]
    with (root / "openhands.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            str(python), "-m", "openhands.core.main", *options,
            cwd=root / "workspace", env=environment, start_new_session=True,
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
