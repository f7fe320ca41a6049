"""D3, D11, D12 and H20: what has no process of its own to look at: the rules, the journal's files, and what is installed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from packaging.requirements import Requirement

from proxy.journal import Journal, Sizes
from rules.schema import findings
from tests.conformance.compare import same_call
from tests.damage.faults import Right
from tests.deploy.test_lock import LOCKS, entries
from tests.laws.shapes_drawn import rights
from tests.laws.test_damage import damages, mended
from tests.proxy.test_journal import lines
from tests.proxy.test_record import record

Reached = Callable[[str], None]
CALLS = 500


@pytest.mark.row("D3")
def test_what_was_right_stays_as_it_was(reached: Reached) -> None:
    counted = {"mended": 0, "asked": 0}

    @settings(max_examples=40, deadline=None, phases=[Phase.generate], derandomize=True, suppress_health_check=list(HealthCheck))
    @given(rights())
    def hold(right: Right) -> None:
        for _, damaged in damages(right, knowable=True):
            found = mended(damaged, right)
            assert found is not None
            assert findings(found, right.tools[0]) == []
            assert same_call(found, right.call)
            counted["mended"] += 1
        for _, damaged in damages(right, knowable=False):
            found = mended(damaged, right)
            assert found is None or found == damaged or same_call(found, right.call)
            counted["asked"] += found is None

    hold()
    assert counted["mended"] >= CALLS
    reached(
        f"{counted['mended']:,} of {counted['mended']:,} mended to what was meant; {counted['asked']:,} that lost something not guessed"
    )


@pytest.mark.row("D11")
@pytest.mark.parametrize("rate", [200, pytest.param(500, marks=pytest.mark.slow)])
def test_rotation_under_load(tmp_path: Path, reached: Reached, rate: int) -> None:
    seconds = 2 if rate == 200 else 10
    journal = Journal(tmp_path, sizes=Sizes(file_bytes=1_000_000, files=1_000))
    began = time.monotonic()
    for number in range(rate * seconds):
        journal.write(record(f"{number:06}", raw="x" * 4_000))
        if number == rate:
            (tmp_path / "journal-0.jsonl").rename(tmp_path / "moved.jsonl")  # as logrotate does
        time.sleep(max(began + number / rate - time.monotonic(), 0))
    journal.close(60)
    files = sorted(tmp_path.iterdir())
    kept = sorted(each["turn"] for each in lines(tmp_path))
    assert kept == [f"{number:06}" for number in range(rate * seconds)]
    assert all(each.stat().st_size <= 1_000_000 for each in files)
    reached(f"{len(kept):,} of {len(kept):,} records in {len(files)} files, one moved away meanwhile")


@pytest.mark.row("D12")
@pytest.mark.parametrize("seconds", [1, pytest.param(60, marks=pytest.mark.slow)])
def test_a_writer_that_cannot_write(tmp_path: Path, reached: Reached, seconds: int) -> None:
    journal = Journal(tmp_path / "j", sizes=Sizes(pause_seconds=0.2))
    (tmp_path / "j").rename(tmp_path / "gone")
    (tmp_path / "j").write_text("in the way")
    written, longest, most, began = 0, 0.0, 0, time.monotonic()
    while time.monotonic() - began < seconds or written < 3_000:
        at = time.thread_time()
        journal.write(record(str(written), raw="x" * 20_000))
        longest = max(longest, time.thread_time() - at)
        written += 1
        most = max(most, len(journal._queue), 0)
        assert journal._bytes <= Sizes().queue_bytes
        if written > 3_000:
            time.sleep(0.01)
    (tmp_path / "j").unlink()
    assert journal.flush(30)
    journal.close()
    counts = journal.counts()
    assert most <= Sizes().queue_records
    assert counts.written + counts.dropped == written
    assert counts.written == len(lines(tmp_path / "j"))
    reached(f"{seconds} s: {most:,} records waited at most, {counts.dropped:,} of {written:,} dropped and counted")


@pytest.mark.row("H20")
def test_few_packages_are_installed_each_by_hash(reached: Reached) -> None:
    on_linux = {"python_version": "3.13", "sys_platform": "linux", "implementation_name": "cpython", "extra": ""}
    found = entries(LOCKS[0])
    needed = [Requirement(text.partition("\\")[0]) for text in found.values()]
    installed = [each for each in needed if each.marker is None or each.marker.evaluate(on_linux)]
    assert len(installed) <= 25
    assert all("--hash=sha256:" in text for text in found.values())
    reached(f"{len(installed)} packages, all by hash")
