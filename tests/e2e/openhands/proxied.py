"""Starts toolmend in front of a model server, for one case."""

import asyncio
import os
import shlex
import shutil
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

START_LIMIT = 30.0
"""Seconds until toolmend must listen."""


class NotListening(RuntimeError):
    """toolmend ended, or did not listen in time."""


def toolmend_command(given: str | None) -> list[str] | None:
    """Return the command given, else the one beside this Python or on the path; nothing where there is none."""
    if given:
        program, *options = shlex.split(given)
        return [str(Path(shutil.which(program) or program).absolute()), *options]
    beside = Path(sys.executable).parent / "toolmend"
    found = str(beside) if beside.is_file() else shutil.which("toolmend")
    return [found] if found else None


@asynccontextmanager
async def toolmend(command: list[str], upstream: str, log: Path) -> AsyncIterator[str]:
    """Run `toolmend serve` before an upstream; yields its base URL, ends it afterwards. What a scripted model can do is known."""
    port = _free_port()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *command, "serve", "--upstream", upstream, "--port", str(port), "--no-probe",
            cwd=log.parent, start_new_session=True, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out,
        )  # fmt: skip
        try:
            await _listening(process, port)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            await _end(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _listening(process: asyncio.subprocess.Process, port: int) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        if process.returncode is not None:
            raise NotListening(f"toolmend ended with {process.returncode} before it listened")
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.1)
    raise NotListening(f"toolmend did not listen within {START_LIMIT:.0f} s")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask the process group to end, then make it."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 5)
            return
