"""A toolmend of its own process, and what must hold of it whatever was done to it: three invariants, looked at from outside.

1. Nothing that nobody caught: no error in the log, nothing on standard error.
2. The loop is not blocked: no step computes for more than 100 ms. On a quiet machine nobody waits longer than that either.
3. Descriptors and tasks are back where they began 2 s after the last request (idle connections to the model server are kept for 2 s
   themselves), and the model server has no stream left.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import orjson
from prometheus_client.parser import text_string_to_metric_families

from bench.peers import free_port
from proxy.upstream import KEEPALIVE
from tests.reliability.load import ask

ROOT: Final = Path(__file__).parents[2]
BLOCKED: Final = 0.1
CROWDED: Final = 1.0
"""The same on a machine that does other things: what waited meanwhile comes at once, and processor time passes more slowly."""
SETTLED: Final = 2.0
WATCHED: Final = 5.0
WARM: Final = 2.0
"""Seconds that a first question may take: of a slow model server only the beginning is waited for."""


QUIET: Final = bool(os.environ.get("TOOLMEND_RELIABILITY"))
"""The machine does nothing else (`make reliability`): then wall-clock figures are asserted as well."""


@dataclass(frozen=True)
class Reading:
    """What toolmend tells of itself, at one moment."""

    fds: float
    tasks: float
    memory: float
    cpu: float
    waited: float
    worked: float
    series: int

    @classmethod
    def of(cls, text: str) -> Reading:
        """Read the metrics."""
        families = list(text_string_to_metric_families(text))
        found = {sample.name: sample.value for family in families for sample in family.samples}
        return cls(
            found["process_open_fds"],
            found["toolmend_tasks"],
            found["process_resident_memory_bytes"],
            found["process_cpu_seconds_total"],
            found["toolmend_loop_lag_seconds"],
            found["toolmend_loop_busy_seconds"],
            sum(len(family.samples) for family in families),
        )


@dataclass
class Toolmend:
    """A running one.

    base     what it told once it had warmed up: the connection that was used for that is still open
    waited   the longest that its loop kept a task waiting, so far; `worked`: that one step computed
    expects  words of errors in its log that a test provokes
    killed   its process was killed by the test: nothing is told of it any more
    patience seconds until everything must be back
    """

    url: str
    metrics_url: str
    process: subprocess.Popen[bytes]
    folder: Path
    live: Callable[[], int]
    base: Reading | None = None
    waited: float = 0.0
    worked: float = 0.0
    expects: tuple[str, ...] = ()
    killed: bool = False
    patience: float = SETTLED + KEEPALIVE
    _old: tuple[float, float] = (0.0, 0.0)
    _watch: asyncio.Task[None] | None = field(default=None, repr=False)

    async def text(self) -> str:
        """Return the metrics."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.metrics_url}/metrics") as answer:
            return await answer.text()

    async def reading(self) -> Reading:
        """Look at it from outside."""
        found = Reading.of(await self.text())
        self.waited = max(self.waited, found.waited if found.waited > self._old[0] else 0.0)
        self.worked = max(self.worked, found.worked if found.worked > self._old[1] else 0.0)
        return found

    async def anew(self) -> None:
        """Let another test begin: delays that it still tells of, for up to a minute, were another's."""
        found = Reading.of(await self.text())
        self._old, self.waited, self.worked = (found.waited, found.worked), 0.0, 0.0

    def events(self) -> list[dict[str, Any]]:
        """Return its log so far."""
        lines = (self.folder / "stdout").read_bytes().split(b"\n")[:-1]
        return [orjson.loads(line) for line in lines]

    def records(self) -> list[dict[str, Any]]:
        """Return what its journal has so far, where it keeps one."""
        files = sorted((self.folder / "journal").glob("*.jsonl"))
        lines = [line for file in files for line in file.read_bytes().split(b"\n")[:-1]]
        return [entry for entry in map(orjson.loads, lines) if "outcome" in entry]

    def children(self) -> list[int]:
        """Return the ids of its children: the process that checks schemas, once it is there. Linux."""
        found = []
        for each in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(each.read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == self.process.pid:
                found.append(int(each.parent.name))
        return found

    def errors(self) -> list[Any]:
        """Return what nobody caught."""
        logged = [each for each in self.events() if each.get("level") in ("error", "critical")]
        printed = (self.folder / "stderr").read_text().splitlines()
        return [each for each in (*logged, *printed) if not any(words in str(each) for words in self.expects)]

    async def settle(self) -> Reading:
        """Wait until everything is back where it began; return the last look. It is not back where the time is over."""
        assert self.base is not None
        deadline = time.monotonic() + self.patience
        while True:
            found = await self.reading()
            back = found.fds <= self.base.fds and found.tasks <= self.base.tasks and not self.live()
            if back or time.monotonic() > deadline:
                return found
            await asyncio.sleep(0.1)

    async def check(self) -> None:
        """Assert the three invariants."""
        if self.killed:
            assert self.errors() == []
            return
        found = await self.settle()
        assert self.base is not None
        assert self.errors() == []
        assert self.worked <= (BLOCKED if QUIET else CROWDED), f"a step on the loop computed for {self.worked:.3f} s"
        assert not QUIET or self.waited <= BLOCKED, f"the loop kept a task waiting for {self.waited:.3f} s"
        assert self.live() == 0, "the model server still has streams"
        assert found.fds <= self.base.fds, f"{found.fds:.0f} descriptors, {self.base.fds:.0f} at first"
        assert found.tasks <= self.base.tasks, f"{found.tasks:.0f} tasks, {self.base.tasks:.0f} at first"

    async def watch(self) -> None:
        """Look every few seconds: what the loop's delays were is forgotten after a while."""
        while True:
            await asyncio.sleep(WATCHED)
            with suppress(aiohttp.ClientError):
                await self.reading()

    async def stop(self, number: int = signal.SIGTERM, seconds: float = 60.0) -> int:
        """End it by a signal; return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return await asyncio.to_thread(self.process.wait, seconds)


def bounded(limit: str) -> tuple[str, ...]:
    """Return the words that run a command under a limit of the shell's `ulimit`, such as `-n 64`."""
    return ("sh", "-c", f'ulimit {limit}; exec "$@"', "sh")


def _prepare(folder: Path, config: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "toolmend.toml").write_text(config)


def _process(folder: Path, words: list[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TOOLMEND_")}
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as errors:
        return subprocess.Popen(
            words,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
            env={**inherited, "PYTHONUNBUFFERED": "1", **environment},
        )


async def _begun(
    folder: Path, upstream: str, options: tuple[str, ...], environment: Mapping[str, str], prefix: tuple[str, ...]
) -> tuple[subprocess.Popen[bytes], str, str]:
    port = free_port()
    words = [*prefix, sys.executable, "-m", "proxy", "serve", "--upstream", upstream, "--port", "0", "--no-probe"]
    process = _process(folder, [*words, "--metrics-port", str(port), *options], environment)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        lines = (folder / "stdout").read_bytes().split(b"\n")[:-1]
        urls = {each["event"]: each.get("url", "") for each in map(orjson.loads, lines)}
        if "metrics" in urls:
            return process, urls["listening"].removesuffix("/"), f"http://127.0.0.1:{port}"
        await asyncio.sleep(0.05)
    process.kill()
    raise AssertionError((folder / "stderr").read_text() or "toolmend did not start")


@asynccontextmanager
async def toolmend(
    folder: Path,
    upstream: str,
    *options: str,
    config: str = "",
    environment: Mapping[str, str] | None = None,
    live: Callable[[], int] = lambda: 0,
    warm: bool = True,
    prefix: tuple[str, ...] = (),
) -> AsyncIterator[Toolmend]:
    """Start toolmend before a model server, and hold it to the invariants when the block ends.

    folder   for its files: stdout, stderr, journal
    config   text of a configuration file
    live     says how many streams the model server has
    warm     ask once before anything is measured: the model server must answer
    prefix   words before the command line, which it ends by running: `bounded`
    """
    _prepare(folder, config)
    process, url, metrics = await _begun(
        folder, upstream, (*options, "--config", str(folder / "toolmend.toml")), environment or {}, prefix
    )
    made = Toolmend(url, metrics, process, folder, live)
    try:
        if warm:
            with suppress(TimeoutError):
                async with asyncio.timeout(WARM), aiohttp.ClientSession() as session:
                    await ask(session, url)
        made.base = await made.reading()
        made.waited = made.worked = 0.0 if not warm else made.worked
        made._watch = asyncio.create_task(made.watch())
        yield made
        await made.check()
    finally:
        if made._watch is not None:
            made._watch.cancel()
        await made.stop(signal.SIGKILL if made.killed else signal.SIGTERM)
