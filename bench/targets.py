"""What is measured: toolmend, nginx and a naive relay, each a process (with its children) pinned to one processor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.peers import LITELLM_VARIABLES, ROOT, NotHere, free_port, listens, litellm_words, nginx_words

TICK: Final = os.sysconf("SC_CLK_TCK")


TOOLMEND: Final = {
    "toolmend": "",
    "toolmend, no logprobs": '[[profile]]\nname = "gemma-4"\nraw = "content"\n',
    "toolmend, mode off": 'mode = "off"\n',
}
"""Configurations of toolmend. By default it asks for log-probabilities: the model's exact text is in them."""

SPREAD: Final = "toolmend, 2 workers"
ASYNCIO: Final = "toolmend, asyncio's loop"
PYTHON: Final = "python="
"""A target `python=/path/to/python` is toolmend under another interpreter, which has it installed."""

WITHOUT_UVLOOP: Final = "import sys; sys.modules['uvloop'] = None; from proxy.cli import main; main()"


@dataclass(frozen=True)
class Target:
    """One that runs. `started`: seconds until it listened."""

    name: str
    url: str
    process: subprocess.Popen[bytes]
    started: float

    def pids(self) -> list[int]:
        """Return its process and all below it. Linux."""
        parents: dict[int, list[int]] = {}
        for each in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = each.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(each.parent.name))
        found = [self.process.pid]
        for pid in found:
            found += parents.get(pid, [])
        return found

    def cpu(self) -> float:
        """Return the processor time of all of it so far, in seconds, as fine as the scheduler counts it."""
        return sum(_runtime(pid) for pid in self.pids())

    def memory(self) -> int:
        """Return the memory of all of it that is its own, in bytes."""
        return sum(_field(pid, "smaps_rollup", "Pss:") for pid in self.pids()) * 1024


def _runtime(pid: int) -> float:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return sum(int((each / "schedstat").read_text().split()[0]) for each in tasks) / 1e9
    except OSError:
        return 0.0


def _field(pid: int, file: str, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def title(name: str) -> str:
    """Return what a target is called in a table: an interpreter by its version, not by where it lies."""
    if not name.startswith(PYTHON):
        return name
    return subprocess.run([name.removeprefix(PYTHON), "-V"], capture_output=True, text=True, check=True).stdout.strip()


def words_of(name: str, folder: Path, port: int, upstream: int) -> list[str]:
    """Return the command line of a target. Raises NotHere."""
    url = f"http://127.0.0.1:{upstream}"
    if name == "nginx":
        return nginx_words(folder, port, upstream)
    if name == "naive":
        return [sys.executable, "-m", "bench.naive", "--port", str(port), "--upstream", url]
    if name == "litellm":
        return litellm_words(folder, port, upstream, "gemma-4-26b")
    variant = name in (SPREAD, ASYNCIO) or name.startswith(PYTHON)
    if name not in TOOLMEND and not variant:
        raise NotHere(f"there is no {name!r}")
    (folder / "toolmend.toml").write_text(TOOLMEND.get(name, ""))
    python = name.removeprefix(PYTHON) if name.startswith(PYTHON) else sys.executable
    run = ["-c", WITHOUT_UVLOOP] if name == ASYNCIO else ["-m", "proxy"]
    options = ["--config", str(folder / "toolmend.toml"), "--journal", str(folder / "journal"), "--no-probe"]
    workers = ["--workers", "2"] if name == SPREAD else []
    return [python, *run, "serve", "--upstream", url, "--port", str(port), *options, *workers]


@contextmanager
def target(name: str, folder: Path, upstream: int, processors: Sequence[int] = ()) -> Iterator[Target]:
    """Run a target before a port until the block ends, on these processors where some are named. Raises NotHere."""
    folder.mkdir(parents=True)
    port = free_port()
    words = words_of(name, folder, port, upstream)
    own = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    began = time.monotonic()
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(
            words,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**own, **(LITELLM_VARIABLES if name == "litellm" else {})},
            preexec_fn=lambda: os.sched_setaffinity(0, processors or os.sched_getaffinity(0)),  # noqa: PLW1509 - nothing else runs in this process
        )
    try:
        deadline = time.monotonic() + 60
        while not listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotHere(f"{name} did not start: {(folder / 'out').read_text()[-1000:]}")
            time.sleep(0.005)
        yield Target(name, f"http://127.0.0.1:{port}", process, time.monotonic() - began)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
