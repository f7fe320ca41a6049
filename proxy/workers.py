"""Several processes on one port: a parent that starts them, forwards signals, and replaces those that die.

The kernel shares connections out (SO_REUSEPORT). The parent serves nothing; it holds the other end of each worker's
standard input, so that workers notice its death, even by SIGKILL, and end as they would on SIGTERM.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import FrameType

WRONG_USAGE = 2  # the exit code of a worker that no restart can help
TICK = 0.1


@dataclass
class _Worker:
    """One place among the workers, and the process that holds it now."""

    number: int
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    start_at: float = 0.0


def run(count: int, command: Sequence[str], grace: float, steady: float = 10.0) -> int:
    """Run `count` workers until a signal asks to stop; return the exit code.

    grace   seconds that workers have to end after the signal; then they are killed
    steady  seconds a worker must live for its next death to be taken as the first
    """
    parent = _Parent([_Worker(number) for number in range(count)], command, steady)
    previous = {each: signal.signal(each, parent.forward) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        return parent.run(grace)
    finally:
        parent.kill()
        for each, handler in previous.items():
            signal.signal(each, handler)


def same_command() -> list[str]:
    """Return the command line this process was started with."""
    return [sys.executable, *sys.orig_argv[1:]]


def end_with_parent() -> None:
    """End this worker, as on SIGTERM, when its parent is gone: the parent holds our standard input open."""

    def wait() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent watch", daemon=True).start()


class _Parent:
    def __init__(self, workers: list[_Worker], command: Sequence[str], steady: float) -> None:
        self.workers = workers
        self.command = command
        self.steady = steady
        self.stopping = False
        self.failed = 0

    def run(self, grace: float) -> int:
        while not (self.stopping or self.failed):
            for worker in self.workers:
                self.look_after(worker)
            time.sleep(TICK)
        if self.failed:
            self.send(signal.SIGTERM)
        return self.wait(grace)

    def look_after(self, worker: _Worker) -> None:
        """Start a worker that is due; note one that died."""
        now = time.monotonic()
        if worker.process is None:
            if now >= worker.start_at and not self.stopping:
                self.start(worker, now)
        elif (code := worker.process.poll()) is not None:
            _close_input(worker.process)
            worker.process = None
            worker.failures = 1 if now - worker.started >= self.steady else worker.failures + 1
            worker.start_at = now + min(30.0, 0.25 * 2**worker.failures)
            if code == WRONG_USAGE:
                self.failed = code
            elif not self.stopping:
                print(f"toolmend: worker {worker.number} ended ({code}); starting another", file=sys.stderr, flush=True)

    def start(self, worker: _Worker, now: float) -> None:
        environment = {**os.environ, "TOOLMEND_WORKER": str(worker.number)}
        # In a session of its own: Ctrl-C reaches the parent alone, which then tells each worker once.
        worker.process = subprocess.Popen(self.command, env=environment, stdin=subprocess.PIPE, start_new_session=True)
        worker.started = now
        if self.stopping:  # the signal came while it was being started
            worker.process.terminate()

    def forward(self, number: int, _frame: FrameType | None) -> None:
        """Pass a signal on to all workers; the first one also ends the parent's watch."""
        self.stopping = True
        self.send(signal.Signals(number))

    def send(self, number: signal.Signals) -> None:
        for process in self.alive():
            process.send_signal(number)

    def alive(self) -> list[subprocess.Popen[bytes]]:
        return [worker.process for worker in self.workers if worker.process]

    def wait(self, grace: float) -> int:
        """Wait until all are gone, kill what stays after `grace` seconds, and return the exit code."""
        processes = self.alive()
        deadline = time.monotonic() + grace
        while time.monotonic() < deadline and any(process.poll() is None for process in processes):
            time.sleep(TICK)
        self.kill()
        return self.failed or int(any(process.returncode not in (0, -signal.SIGTERM) for process in processes))

    def kill(self) -> None:
        for process in self.alive():
            if process.poll() is None:
                process.kill()
            process.wait()
            _close_input(process)


def _close_input(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()
