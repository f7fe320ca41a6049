"""Journals are read whatever state they are in, and what was not read is said."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import pytest

from proxy.journal import Journal, Sizes
from proxy.outcome import Outcome
from proxy.records.read import NoJournal, Skipped, entries, files_of, find, is_turn, moment_of, since_of
from proxy.tally import Kind, Spent
from tests.proxy.test_record import record


def line(turn: str, ts: str = "2026-11-28T10:00:00.000Z", **more: Any) -> bytes:
    return json.dumps({"ts": ts, "turn": turn, "outcome": "mended", "v": 2, **more}).encode() + b"\n"


def read(path: Path, since: float = 0.0) -> tuple[list[str], dict[str, int]]:
    skipped = Skipped()
    turns = [str(each["turn"]) for each in entries([path], skipped, since) if is_turn(each)]
    return turns, {why.split(":")[0]: count for why, count in skipped.lines.items()}


def test_what_cannot_be_read_is_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    file = tmp_path / "journal-0.jsonl"
    foreign = b'{"level": "info", "msg": "of another program"}\n[1, 2]\n"text"\n'
    file.write_bytes(
        line("a") + b"\xff\xfe no JSON\n" + foreign + b"\n" + line("b") + b'{"ts":"2026-11-28T10:00:00Z","turn":"c","outc'
    )
    turns, skipped = read(tmp_path)
    assert turns == ["a", "b"]
    assert skipped == {"torn last lines": 1, "lines that are no JSON": 1, "lines that are no records of toolmend": 3}


def test_a_record_of_which_only_the_size_is_known_is_no_turn(tmp_path: Path) -> None:
    (tmp_path / "journal-0.jsonl").write_bytes(b'{"ts":"2026-11-28T10:00:00Z","turn":"a","cut":300000}\n' + line("b"))
    assert read(tmp_path) == (["b"], {"records that were too large to be kept": 1})


def test_older_and_newer_records_are_read(tmp_path: Path) -> None:
    old = b'{"ts":"2026-11-28T10:00:00Z","turn":"old","outcome":"mended","class":"model-name"}\n'
    (tmp_path / "journal-0.jsonl").write_bytes(old + line("new", v=99))
    turns, skipped = read(tmp_path)
    assert turns == ["old", "new"]
    assert list(skipped.values()) == [1]


@pytest.mark.parametrize("name", ["journal-0.jsonl.gz", "journal-1.2.jsonl.gz"])
def test_compressed_files_are_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(line("a") + line("b")))
    assert read(tmp_path)[0] == ["a", "b"]
    assert read(tmp_path / name)[0] == ["a", "b"]


def test_a_compressed_file_that_breaks_off_gives_what_it_holds(tmp_path: Path) -> None:
    packed = gzip.compress(b"".join(line(f"t{at}") for at in range(2000)))
    (tmp_path / "journal-0.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    turns, skipped = read(tmp_path)
    assert turns[:2] == ["t0", "t1"]
    assert skipped["files that cannot be read"] == 1


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoJournal, match="no such file"):
        files_of([tmp_path / "nowhere"])
    (tmp_path / "notes.jsonl").write_bytes(line("a"))
    with pytest.raises(NoJournal, match="no journal in it"):
        files_of([tmp_path])


def test_rotation_loses_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path, sizes=Sizes(file_bytes=4_000))
    for at in range(40):
        journal.write(record(f"turn-{at:02}"))
        assert journal.flush()
    journal.close()
    assert len(files_of([tmp_path])) > 2
    turns = read(tmp_path)[0]
    assert sorted(turns)[-len(turns) :] == turns  # the oldest file first; those beyond eight are gone
    assert turns[-1] == "turn-39"


def test_turns_are_found_by_the_beginning_of_their_id(tmp_path: Path) -> None:
    (tmp_path / "journal-0.jsonl").write_bytes(
        line("abc1", "2026-11-28T12:00:00Z") + line("abd2", "2026-11-28T11:00:00Z") + line("x", "2026-11-28T10:00:00Z")
    )
    assert find([tmp_path], "abc")["turn"] == "abc1"
    assert find([tmp_path], "last")["turn"] == "abc1"
    with pytest.raises(NoJournal, match="2 turns begin with ab: abc1, abd2"):
        find([tmp_path], "ab")
    with pytest.raises(NoJournal, match="only turns that were not right"):
        find([tmp_path], "zzz")


def test_moments_and_spans(tmp_path: Path) -> None:
    assert since_of("2h", 10_000.0) == 10_000.0 - 7200
    assert since_of("2026-11-28", 0.0) == since_of("2026-11-28T00:00+00:00", 0.0)
    with pytest.raises(ValueError, match="Invalid isoformat"):
        since_of("yesterday", 0.0)
    (tmp_path / "journal-0.jsonl").write_bytes(line("old", "2020-01-01T00:00:00Z") + line("new") + line("odd", "when?"))
    assert read(tmp_path, since_of("2026-01-01", 0.0))[0] == ["new", "odd"]
    assert moment_of({"ts": "when?"}) == float("inf")


def test_all_turns_are_counted_and_the_count_is_written_at_the_end(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    kind = Kind("openai_chat", "m", "generic", "repair")
    wrong = Outcome("mended", "model-arguments", "coerce_number", ("coerce_number",))
    lost = Outcome("failed-open", "model-arguments", "missing-arguments")
    for outcome, called in ((Outcome("as-is"), True), (Outcome("as-is"), False), (wrong, True), (lost, False)):
        journal.count(kind, outcome, Spent(completion=10, seconds=0.5), called=called)
    journal.close()
    (entry,) = list(entries([tmp_path], Skipped()))
    assert not is_turn(entry)
    assert abs(moment_of(entry) - time.time()) < 60
    (row,) = entry["counts"]
    assert (row["client"], row["model"], row["profile"], row["mode"]) == ("openai_chat", "m", "generic", "repair")
    count = row["count"]
    assert (count["turns"], count["called"], count["wrong_before"], count["wrong_after"]) == (4, 3, 2, 1)
    assert (count["completion"], count["seconds"], count["outcomes"]) == (40, 2.0, {"as-is": 2, "mended": 1, "failed-open": 1})


def test_a_file_that_is_rotated_while_it_is_read_is_read_once(tmp_path: Path) -> None:
    file = tmp_path / "journal-0.jsonl"
    file.write_bytes(b"".join(line(f"a{at}") for at in range(5)))
    (tmp_path / "journal-0.1.jsonl").write_bytes(line("older"))
    reading = entries([tmp_path], Skipped())
    seen = [next(reading)["turn"]]
    (tmp_path / "journal-0.1.jsonl").rename(tmp_path / "journal-0.2.jsonl")
    file.rename(tmp_path / "journal-0.1.jsonl")
    file.write_bytes(line("new"))
    seen += [each["turn"] for each in reading]
    assert sorted(seen) == ["a0", "a1", "a2", "a3", "a4", "older"]
