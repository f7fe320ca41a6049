"""Workers: they all start, signals reach them, the dead are replaced, and nobody is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proxy.workers import same_command

ROOT = Path(__file__).parents[2]

WORKER = """
import os, signal, sys, time
from pathlib import Path
from proxy.workers import end_with_parent
place, kind = Path(sys.argv[1]), sys.argv[2]
end_with_parent()
def stop(number, frame):
    (place / f"stopped-{os.environ['TOOLMEND_WORKER']}-{signal.Signals(number).name}").touch()
    if kind != "stubborn":
        sys.exit(0)
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
(place / f"started-{os.environ['TOOLMEND_WORKER']}-{os.getpid()}").touch()
if kind == "wrong":
    sys.exit(2)
while True:
    time.sleep(0.05)
"""

PARENT = "import sys; from proxy import workers; sys.exit(workers.run(int(sys.argv[1]), sys.argv[3:], float(sys.argv[2])))"


class Family:
    """A parent with workers, and what they left as signs of life."""

    def __init__(self, place: Path, count: int = 2, kind: str = "good", grace: float = 10.0) -> None:
        self.place = place
        command = [sys.executable, "-c", WORKER, str(place), kind]
        self.parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(count), str(grace), *command], env={**os.environ, "PYTHONPATH": str(ROOT)}
        )

    def signs(self, start: str) -> list[str]:
        return sorted(each.name for each in self.place.iterdir() if each.name.startswith(start))

    def pids(self) -> list[int]:
        return [int(each.rpartition("-")[2]) for each in self.signs("started")]

    def until(self, happens: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not happens():
            assert time.monotonic() < deadline, self.signs("")
            time.sleep(0.02)

    def until_all_are_gone(self) -> None:
        self.until(lambda: not any(alive(pid) for pid in self.pids()))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Callable[..., Family]]:
    families: list[Family] = []

    def start(**terms: object) -> Family:
        families.append(Family(tmp_path, **terms))  # type: ignore[arg-type]  # the tests give what Family takes
        return families[-1]

    yield start
    for each in families:
        each.parent.kill()
        each.parent.wait()
        each.until_all_are_gone()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_all_and_all_end(family: Callable[..., Family], number: signal.Signals) -> None:
    one = family(count=3)
    one.until(lambda: len(one.pids()) == 3)
    one.parent.send_signal(number)
    assert one.parent.wait(20) == 0
    assert one.signs("stopped") == [f"stopped-{worker}-{number.name}" for worker in range(3)]
    one.until_all_are_gone()


def test_a_dead_worker_is_replaced(family: Callable[..., Family]) -> None:
    one = family(count=2)
    one.until(lambda: len(one.pids()) == 2)
    os.kill(one.pids()[1], signal.SIGKILL)
    one.until(lambda: len(one.signs("started-1-")) == 2)
    assert len(one.signs("started-0-")) == 1
    one.parent.terminate()
    assert one.parent.wait(20) == 0


def test_wrong_usage_is_not_tried_again(family: Callable[..., Family]) -> None:
    one = family(count=2, kind="wrong")
    assert one.parent.wait(20) == 2
    assert len(one.pids()) <= 2


def test_who_does_not_end_is_killed(family: Callable[..., Family]) -> None:
    one = family(count=2, kind="stubborn", grace=0.3)
    one.until(lambda: len(one.pids()) == 2)
    one.parent.terminate()
    assert one.parent.wait(20) == 1
    one.until_all_are_gone()


def test_workers_end_with_their_parent(family: Callable[..., Family]) -> None:
    one = family(count=2)
    one.until(lambda: len(one.pids()) == 2)
    one.parent.kill()
    one.parent.wait()
    one.until_all_are_gone()
    assert len(one.signs("stopped")) == 2


def test_the_same_command_is_the_one_we_run_as() -> None:
    script = "from proxy.workers import same_command; print(same_command()[1:])"
    ran = subprocess.run([sys.executable, "-c", script, "x"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == repr(["-c", script, "x"])
    assert same_command()[0] == sys.executable
