"""The journal: every record is one line that parses, nothing blocks, and no crash or full disk loses anything in silence."""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import structlog

import proxy.journal
from proxy.journal import STDOUT, Counts, Journal, Sizes
from proxy.record import Final, FinalCall
from proxy.records.read import Skipped, entries
from proxy.serve import configure_logs
from tests.proxy.test_record import parsed, record

ROOT = Path(__file__).parents[2]


def lines(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in sorted(directory.glob("*.jsonl")) for line in file.read_bytes().splitlines()]


def test_a_record_is_a_line_with_the_documented_fields(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.write(record())
    journal.close()
    (found,) = lines(tmp_path / "j")
    assert found["ts"] == "2023-11-14T22:13:20.125Z"
    assert found["class"] == "model-arguments"
    assert found["final"] == {"text": "done", "calls": [{"name": "wait", "arguments": '{"seconds":3}'}]}
    documented = (ROOT / "docs/journal.md").read_text()
    assert [key for key in found if f"| `{key}` |" not in documented] == []
    assert [key for key in found["attempts"][0] if f"`{key}`" not in documented] == []


def test_files_are_the_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        journal = Journal(tmp_path / "j")
        journal.write(record())
        journal.close()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "j").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "j/journal-0.jsonl").stat().st_mode) == 0o600


def test_links_are_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("mine\n")
    (tmp_path / "j").mkdir()
    (tmp_path / "j/journal-0.jsonl").symlink_to(target)
    journal = Journal(tmp_path / "j", sizes=Sizes(pause_seconds=0.01))
    journal.write(record())
    journal.close()
    assert target.read_text() == "mine\n"
    assert journal.counts().dropped == 1


HOSTILE = ["a\r\nb", "\x1b[31m", "\u2028\u2029\x85", "\udcff\ud800", "\x00\x9b", '"}\n{"', "x" * 3_000_000, "😀" * 300_000]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("bodies", ["on", "off"])
def test_hostile_texts_stay_one_line_of_bounded_size(tmp_path: Path, text: str, bodies: Any) -> None:
    journal = Journal(tmp_path, bodies)
    call = FinalCall(text, text)
    hostile = record(turn=text, raw=text, model=text, client=text, final=Final(text, (call,)), timings={text: 1.0})
    journal.write(hostile)
    journal.close()
    (file,) = tmp_path.iterdir()
    line = file.read_bytes()
    parsed(line)
    assert len(line) <= 256_000
    assert len(line.decode().splitlines()) == 1
    assert b"\x1b" not in line


def test_cuts_for_the_queue_are_counted_too(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(record(raw="ab" * 1_000_000))
    journal.close()
    text = lines(tmp_path)[0]["attempts"][0]["raw"]
    head, _, rest = text.partition("[")
    number, _, tail = rest.partition(" characters cut]")
    assert len(head) + int(number) + len(tail) == 2_000_000


def test_a_torn_line_is_ended_before_the_next_record(tmp_path: Path) -> None:
    (tmp_path / "journal-0.jsonl").write_bytes(b'{"turn":"whole"}\n{"turn":"to')
    journal = Journal(tmp_path)
    journal.write(record("next"))
    journal.close()
    kept = (tmp_path / "journal-0.jsonl").read_bytes().splitlines()
    assert kept[1] == b'{"turn":"to'
    assert json.loads(kept[2])["turn"] == "next"


def test_a_full_disk_tears_nothing_and_is_waited_for(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    journal = Journal(tmp_path, sizes=Sizes(pause_seconds=0.05))
    journal.write(record("before"))
    assert journal.flush()
    size = (tmp_path / "journal-0.jsonl").stat().st_size
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, limits[1]))  # room for a part of a record only
        started = time.perf_counter()
        for number in range(20):
            journal.write(record(f"during {number}"))
        assert time.perf_counter() - started < 0.5
        time.sleep(0.3)
        failures = journal.counts().failures
        assert (tmp_path / "journal-0.jsonl").stat().st_size == size
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert failures >= 2
    assert journal.flush()
    journal.close()
    assert [each["turn"] for each in lines(tmp_path)] == ["before", *(f"during {number}" for number in range(20))]
    assert journal.counts().dropped == 0


def test_what_does_not_fit_the_queue_is_dropped_and_counted(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    journal = Journal(blocked, sizes=Sizes(queue_records=10, pause_seconds=60))
    for number in range(50):
        journal.write(record(str(number)))
    time.sleep(0.05)
    journal.write(record("last"))
    journal.close()
    counts = journal.counts()
    assert counts.dropped == 51
    assert counts.written == 0
    assert "file" in counts.failure


def test_the_queue_is_bounded_in_bytes_and_keeps_the_newest(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", sizes=Sizes(queue_bytes=1_000_000, pause_seconds=0.05))
    (tmp_path / "j").rename(tmp_path / "gone")
    (tmp_path / "j").write_text("in the way")
    for number in range(20):
        journal.write(record(str(number), raw="x" * 200_000))
    assert journal._bytes <= 1_000_000
    (tmp_path / "j").unlink()
    assert journal.flush()
    journal.close()
    turns = [each["turn"] for each in lines(tmp_path / "j")]
    assert turns[-1] == "19"
    assert len(turns) + journal.counts().dropped == 20


def test_a_directory_that_vanishes_comes_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.write(record("1"))
    assert journal.flush()
    (tmp_path / "j/journal-0.jsonl").unlink()
    (tmp_path / "j").rmdir()
    journal.write(record("2"))
    journal.close()
    assert [each["turn"] for each in lines(tmp_path / "j")] == ["2"]


def test_a_file_that_is_moved_away_is_left_and_a_new_one_begun(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(record("1"))
    assert journal.flush()
    (tmp_path / "journal-0.jsonl").rename(tmp_path / "old")
    journal.write(record("2"))
    journal.close()
    assert [each["turn"] for each in lines(tmp_path)] == ["2"]


def test_rotation_loses_nothing_and_keeps_the_total(tmp_path: Path) -> None:
    journal = Journal(tmp_path, sizes=Sizes(file_bytes=20_000, files=3))
    for number in range(200):
        journal.write(record(f"{number:03}"))
        if number % 50 == 0:
            journal.flush()
    journal.close()
    files = sorted(each.name for each in tmp_path.iterdir())
    assert files == ["journal-0.1.jsonl", "journal-0.2.jsonl", "journal-0.3.jsonl", "journal-0.jsonl"]
    assert all(each.stat().st_size <= 20_000 for each in tmp_path.iterdir())
    kept = sorted(each["turn"] for each in lines(tmp_path))
    assert kept == [f"{number:03}" for number in range(200 - len(kept), 200)]
    assert journal.counts().written == 200


def test_two_journals_of_one_directory_have_a_file_each(tmp_path: Path) -> None:
    first, second = Journal(tmp_path), Journal(tmp_path)
    first.write(record("1"))
    second.write(record("2"))
    first.close()
    second.close()
    assert [each["turn"] for each in lines(tmp_path)] == ["1", "2"]
    assert len(list(tmp_path.iterdir())) == 2


WRITER = """
import sys
from pathlib import Path

from proxy.journal import Journal, Sizes

from tests.proxy.test_record import record

journal = Journal(Path(sys.argv[1]), sizes=Sizes(queue_records=100_000, queue_bytes=1 << 30))
for number in range(int(sys.argv[2])):
    journal.write(record(f"{sys.argv[3]}-{number}", raw="x" * 60_000))
    if number % 50 == 0:
        journal.flush()
        print(number, flush=True)
journal.close(30)
"""


def writer(directory: Path, count: int, name: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER, str(directory), str(count), name]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE)


def test_processes_of_one_directory_tear_nothing(tmp_path: Path) -> None:
    writers = [writer(tmp_path, 100, str(number)) for number in range(4)]
    for each in writers:
        each.communicate(timeout=60)
    turns = {each["turn"] for each in lines(tmp_path)}
    assert turns == {f"{name}-{number}" for name in range(4) for number in range(100)}


def test_a_kill_tears_one_line_at_most_and_the_next_process_goes_on(tmp_path: Path) -> None:
    for life in range(2):
        process = writer(tmp_path, 100_000, str(life))
        assert process.stdout
        flushed = [int(process.stdout.readline()) for _ in range(3)][-1]
        process.send_signal(signal.SIGKILL)
        process.communicate()
        whole, torn = set(), 0
        for line in (tmp_path / "journal-0.jsonl").read_bytes().splitlines():
            try:
                whole.add(json.loads(line)["turn"])
            except ValueError:
                torn += 1
        assert torn <= life + 1
        assert {f"{life}-{number}" for number in range(flushed + 1)} <= whole


def test_writing_never_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, disk = Journal(tmp_path), threading.Event()
    append = proxy.journal.os.write

    def stuck(fd: int, data: bytes) -> int:
        disk.wait()
        return append(fd, data)

    monkeypatch.setattr(proxy.journal.os, "write", stuck)
    for number in range(2_000):
        journal.write(record(str(number), raw="x" * 2_000))  # a write that waited for the disk would never come back
    disk.set()
    journal.close()
    counts = journal.counts()
    assert counts.dropped > 0
    assert counts.written + counts.dropped == 2_000


def test_a_record_that_cannot_be_rendered_costs_only_itself(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(record("bad", ts=1e300))
    journal.write(record("good"))
    journal.close()
    assert [each["turn"] for each in lines(tmp_path)] == ["good"]
    assert journal.counts().unwritable == 1


def test_writing_after_closing_is_counted(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.close()
    journal.write(record())
    assert journal.counts().dropped == 1


def test_on_standard_output_records_stand_whole_among_the_lines_of_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs()
    journal = Journal(STDOUT)
    log = structlog.get_logger()
    for number in range(300):
        journal.write(record(f"t{number}", final=Final("x" * 20_000)))
        log.info("answered", turn=f"t{number}")
    journal.close(30)
    assert journal.counts() == Counts(written=300)
    found = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [each["turn"] for each in found if "outcome" in each] == [f"t{number}" for number in range(300)]
    assert sum(each.get("event") == "answered" for each in found) == 300


def test_a_broken_standard_output_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as broken:
        monkeypatch.setattr(sys, "stdout", broken)
        journal = Journal(STDOUT, sizes=Sizes(pause_seconds=0.05))
        journal.write(record())
        journal.close()
        assert journal.counts().failures > 0
        assert "Broken pipe" in journal.counts().failure
        with suppress(BrokenPipeError):
            broken.close()


def test_readers_pass_over_the_lines_of_the_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs()
    structlog.get_logger().info("answered", turn="t1", outcome="mended")
    journal = Journal(STDOUT)
    journal.write(record("t1"))
    journal.close()
    path = tmp_path / "container.log"
    path.write_text(capfd.readouterr().out)
    skipped = Skipped()
    assert [each["turn"] for each in entries([path], skipped)] == ["t1"]
    assert skipped.sentences() == []
