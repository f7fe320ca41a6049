"""The commands that read journals: what they print, and how they end."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from proxy.cli import toolmend
from proxy.demo.speak import Said
from proxy.report.tail import follow, line_of, matches
from tests.journals.playing import play
from tests.journals.scenes import CALLED, GOOD, Scene, asking
from tests.proxy.records.test_read import line

DIGITS = 'Well.\x1b[2J<|tool_call>call:bash{command:<|"|>ls<|"|>,timeout:<|"|>5<|"|>}<tool_call|>'
EMPTY = "<|tool_call>call:bash{}<tool_call|>"
MENDED = Scene("mended", "model-arguments", "coerce_number", asking(), (DIGITS,))
ASKED = Scene("asked", "model-arguments", "missing-arguments", asking(), (EMPTY, GOOD))
RIGHT = Scene("right", "", "", asking(), (Said(GOOD, calls=[CALLED]),))


def run(*words: object) -> Result:
    return CliRunner().invoke(toolmend, [str(each) for each in words], prog_name="toolmend", env={"TOOLMEND_JOURNAL": ""})


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    folder = tmp_path / "j"
    asyncio.run(play([MENDED, ASKED, RIGHT], folder, streams=[True]))
    return folder


def test_the_report_says_rates_reasons_and_what_to_change(journal: Path) -> None:
    result = run("report", "--journal", journal)
    assert result.exit_code == 0
    assert "2 turns that were not right as they came" in result.output
    assert "of 3 turns in all, 3 with a call" in result.output
    assert "tool call error rate 66.7% as it came, 0.0% as the client got it" in result.output
    assert "missing-arguments (model-arguments): 1 turns" in result.output
    assert "setting grammar" in result.output
    assert "\x1b" not in result.output, "neither ours, where nobody sees colours, nor the model's"


def test_the_report_for_programs_has_the_same(journal: Path) -> None:
    told = json.loads(run("report", "--journal", journal, "--json", "--by", "rule").output)
    assert (told["turns"], told["all"]["turns"], told["by"]) == (2, 3, "rule")
    assert told["all"]["tool_call_error_rate"] == {"before": pytest.approx(2 / 3), "after": 0.0}
    assert {each["name"]: each["turns"] for each in told["groups"]} == {"coerce_number": 1, "(none)": 1}
    assert {each["name"] for each in told["reasons"]} == {"coerce_number", "missing-arguments"}
    assert told["extra"]["tokens"] > 0


@pytest.mark.parametrize("by", ["class", "model", "client", "tool", "rule", "conversation"])
def test_turns_are_grouped_by_anything(journal: Path, by: str) -> None:
    result = run("report", "--journal", journal, "--by", by)
    assert (result.exit_code, f"by {by}" in result.output) == (0, True)


def test_without_counts_no_rate_is_made_up(tmp_path: Path) -> None:
    (tmp_path / "journal-0.jsonl").write_bytes(line("a", **{"class": "model-name", "reason": "unknown-tool"}))
    output = run("report", "--journal", tmp_path).output
    assert "not known" in output
    assert "error rate" not in output


def test_what_was_not_read_is_said(journal: Path) -> None:
    with (journal / "journal-0.jsonl").open("ab") as file:
        file.write(b'{"ts":"2026-')
    assert "1 torn last lines" in run("report", "--journal", journal).output


def test_a_turn_is_shown_with_each_change_and_question(journal: Path) -> None:
    turns = [json.loads(each) for each in (journal / "journal-0.jsonl").read_text("utf-8").splitlines()]
    mended, asked = (
        next(each["turn"] for each in turns if each.get("reason") == reason) for reason in ("coerce_number", "missing-arguments")
    )
    shown = run("show", mended, "--journal", journal).output
    assert '-  "timeout": "5"' in shown
    assert '+  "timeout": 5' in shown
    assert "Well.\\x1b[2J<|tool_call>" in shown
    shown = run("show", asked[:8], "--journal", journal).output
    assert "answer 2  asked for these arguments alone, under a grammar" in shown
    assert 'Missing: "command"' in shown or "command" in shown.split("the model is told:")[1]
    assert json.loads(run("show", "last", "--journal", journal, "--json").output)["turn"] == asked


def test_replaying_ends_by_what_came_out(journal: Path, tmp_path: Path) -> None:
    result = run("replay", "--journal", journal)
    assert (result.exit_code, "2 turns served again: 2 as then, 0 otherwise; 0 not served" in result.output) == (0, True)
    turns = [json.loads(each) for each in (journal / "journal-0.jsonl").read_text("utf-8").splitlines()]
    changed: dict[str, Any] = {**turns[0], "outcome": "failed-open"}
    file = tmp_path / "one.jsonl.gz"
    file.write_bytes(gzip.compress(json.dumps(changed).encode() + b"\n"))
    result = run("replay", file, "--journal", journal)
    assert (result.exit_code, "outcome: failed-open -> mended" in result.output) == (1, True)
    told = json.loads(run("replay", file, "--json").stdout)
    assert (told["turn"], told["same"]) == (changed["turn"], False)
    old = tmp_path / "old.jsonl"
    old.write_bytes(line("a", v=1))
    assert run("replay", old).exit_code == 3


def test_the_model_is_asked_again_where_that_is_wanted(journal: Path) -> None:
    result = run("replay", "--journal", journal, "--live", "http://127.0.0.1:9")
    assert (result.exit_code, "upstream_unreachable" in result.output) == (1, True)


@pytest.mark.parametrize("command", [("report",), ("show", "last"), ("tail",), ("replay",)])
def test_what_is_not_there_is_said_with_what_to_do(command: tuple[str, ...], tmp_path: Path) -> None:
    result = run(*command, "--journal", tmp_path / "nowhere")
    assert result.exit_code == 1
    assert "say the directory that `toolmend serve --journal` was told" in result.output


def test_a_wrong_span_is_refused(tmp_path: Path) -> None:
    result = run("report", "--journal", tmp_path, "--since", "yesterday")
    assert (result.exit_code, "2h, 30m, 7d" in result.output) == (2, True)


def test_following_loses_nothing_when_a_file_is_rotated(tmp_path: Path) -> None:
    file = tmp_path / "journal-0.jsonl"
    file.write_bytes(line("before"))
    following = follow([tmp_path], from_start=False, polls=3)
    seen = []

    def then() -> None:
        with file.open("ab") as out:
            out.write(line("a") + b'{"ts":"2026-11-28T10:00:00Z","turn":"b",')

    def later() -> None:
        with file.open("ab") as out:
            out.write(b'"outcome":"mended"}\n')
        os.replace(file, tmp_path / "journal-0.1.jsonl")
        file.write_bytes(line("c"))

    steps = iter((then, later))
    monkey = pytest.MonkeyPatch()
    monkey.setattr("time.sleep", lambda _: next(steps, lambda: None)())
    try:
        seen = [each["turn"] for each in following]
    finally:
        monkey.undo()
    assert sorted(seen) == ["a", "b", "c"]


def test_turns_are_chosen_and_told_in_one_line() -> None:
    entry = {
        "ts": "2026-11-28T10:11:12.000Z",
        "turn": "t1",
        "outcome": "mended",
        "class": "model-name",
        "reason": "x",
        "model": "Gemma-4",
    }
    assert matches(entry, {"fault": "model-name", "model": "gemma"})
    assert not matches(entry, {"outcome": "error"})
    assert not matches(entry, {"model": "qwen"})
    assert click.unstyle(line_of(entry)).startswith("10:11:12  t1  mended       model-name/x")
