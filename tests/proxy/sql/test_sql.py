"""Journals are asked in SQL: everything readable is there, with the right type, and nothing is changed."""

from __future__ import annotations

import builtins
import csv
import gzip
import io
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result

from proxy.cli import toolmend
from proxy.records.read import NoJournal
from proxy.sql import ask as asking
from proxy.sql.ask import Reply, WrongSql, ask
from proxy.sql.places import files_of, is_remote
from proxy.sql.printed import printed
from proxy.sql.tables import EXAMPLES, TABLES
from tests.journals.playing import play
from tests.journals.scenes import by_rules
from tests.proxy.report.made import ENGINE, RAW, START, counted, entry, written


def sql(*arguments: str | Path) -> Result:
    return CliRunner().invoke(toolmend, ["sql", *map(str, arguments)], prog_name="toolmend")


def rows(query: str, *places: Path) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in ask(query, files_of(map(str, places))).rows]


def test_columns_have_the_types_that_are_asked_for(tmp_path: Path) -> None:
    written(tmp_path, [entry(repairs=("a", "b"), engine=(ENGINE,))])
    query = "select ts, turn, class, attempts, repairs, engine_faults, calls, extra_tokens, seconds, stream, raw from turns"
    assert rows(query, tmp_path) == [
        (
            datetime(2026, 11, 28, 10, 0),
            "0000000000000001",
            "model-arguments",
            2,
            ["a", "b"],
            ["call-misparsed"],
            ["bash"],
            115,
            0.8,
            False,
            "<|tool_call>call:bash{}<tool_call|>",
        )
    ]


def test_lines_of_the_log_among_those_of_the_journal_are_none_of_ours(tmp_path: Path) -> None:
    path = written(tmp_path, [entry()])
    event = {"event": "answered", "level": "info", "turn": "0000000000000001", "outcome": "mended", "ts": "2026-11-28T10:00:00Z"}
    path.write_text(json.dumps(event) + "\n" + path.read_text() + json.dumps(event) + "\n")
    assert rows("select count(*) from turns", tmp_path) == [(1,)]
    assert ask("select 1", files_of([str(tmp_path)])).skipped == []


def test_each_attempt_is_a_row(tmp_path: Path) -> None:
    written(tmp_path, [entry()])
    query = "select turn, number, rung, problem, raw, completion_tokens from attempts where number = 2"
    assert rows(query, tmp_path) == [("0000000000000001", 2, "members", "", RAW, 15)]


def test_counts_are_the_rates_of_the_report(tmp_path: Path) -> None:
    written(tmp_path, [counted(10, called=8, wrong_before=4, wrong_after=1), counted(5, at=START + 60, called=2, wrong_before=1)])
    query = "select sum(turns), sum(wrong_before) / sum(called), sum(coalesce(wrong_after, 0)) from counts"
    assert rows(query, tmp_path) == [(15, 0.5, 1)]


def test_what_cannot_be_read_is_counted_and_the_rest_is_there(tmp_path: Path) -> None:
    file = written(tmp_path, [entry(), {"ts": "x", "foreign": 1}, {"ts": "x", "turn": "9", "cut": 12}])
    file.write_bytes(b"no json\n\n[1]\n\xff\xfe\n" + file.read_bytes() + b'{"ts": "2026')
    reply = ask("select count(*) from turns", files_of([str(tmp_path)]))
    assert reply.rows == [(1,)]
    assert [each.split()[2] for each in reply.skipped] == ["3", "3"]


@pytest.mark.parametrize(
    "odd", [{"attempts": None}, {"attempts": 7}, {"repairs": "x"}, {"usage": []}, {"ts": "never"}, {"engine": {}}, {"final": 1}]
)
def test_no_record_is_too_odd(odd: dict[str, Any], tmp_path: Path) -> None:
    written(tmp_path, [{**entry(), **odd}, entry()])
    for table in TABLES:
        rows(f"select * from {table.name}", tmp_path)
    assert rows("select count(*) from turns", tmp_path) == [(2,)]


def test_many_files_plain_and_compressed(tmp_path: Path) -> None:
    line = json.dumps(entry()).encode() + b"\n"
    (tmp_path / "journal-0.jsonl").write_bytes(line)
    (tmp_path / "journal-0.1.jsonl.gz").write_bytes(gzip.compress(line * 2))
    duckdb.sql(f"copy (select '{{}}' as a) to '{tmp_path}/ignored.jsonl.zst' (format json)")
    duckdb.sql(
        f"copy (select json from read_ndjson_objects('{tmp_path}/journal-0.jsonl')) to '{tmp_path}/journal-1.jsonl.zst' "
        "(format csv, header false, quote '', escape '', delimiter '\x01', compression zstd)"
    )
    assert rows("select count(*), count(distinct file) from turns", tmp_path) == [(4, 3)]
    assert rows("select count(*) from turns", tmp_path / "journal-?.*.gz") == [(2,)]
    assert rows("select count(*) from turns", tmp_path / "journal-0.jsonl", tmp_path / "*-0.jsonl") == [(1,)]


def test_a_name_is_no_pattern(tmp_path: Path) -> None:
    for name in ("a[1]*.jsonl", "a1.jsonl", "a[1]b.jsonl"):
        written(tmp_path, [entry()], name)
    assert rows("select count(*) from turns", tmp_path / "a[1]*.jsonl") == [(1,)]


@pytest.mark.parametrize("place", ["none", "*.none", ""])
def test_a_place_that_leads_nowhere_is_named(place: str, tmp_path: Path) -> None:
    with pytest.raises(NoJournal):
        files_of([str(tmp_path / place)])


@pytest.mark.parametrize(
    "query",
    [
        "copy turns to '{0}/out.csv'",
        "explain analyze copy turns to '{0}/out.csv'",
        "/* x */ explain analyze copy turns to '{0}/out.csv'",
        "EXPLAIN (ANALYZE, FORMAT json) copy turns to '{0}/out.csv'",
        "attach '{0}/out.csv' as other",
        "export database '{0}/out.csv'",
        "create table t as select 1",
        "select 1; copy turns to '{0}/out.csv'",
        "set autoinstall_known_extensions = true",
        "install httpfs",
        "",
    ],
)
def test_nothing_but_reading_is_let_through(query: str, tmp_path: Path) -> None:
    file = written(tmp_path, [entry()])
    with pytest.raises(WrongSql):
        ask(query.format(tmp_path), [str(file)])
    assert [each.name for each in tmp_path.iterdir()] == ["journal-0.jsonl"]


@pytest.mark.parametrize(
    "query", ["describe turns", "summarize turns", "explain select * from turns", "from turns", "show tables"]
)
def test_what_reads_is_let_through(query: str, tmp_path: Path) -> None:
    written(tmp_path, [entry()])
    assert rows(query, tmp_path)


def test_the_network_is_for_addresses_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []
    real = duckdb.connect

    def connect(name: str, config: dict[str, Any]) -> Any:
        seen.append(config)
        return real(name, config={**config, "autoinstall_known_extensions": False})

    monkeypatch.setattr(asking.duckdb, "connect", connect)
    ask("select 1", [str(written(tmp_path, [entry()]))])
    with pytest.raises(WrongSql):
        ask("select 1", ["s3://127.0.0.1:9/none/*.jsonl"])
    assert [each["autoinstall_known_extensions"] for each in seen] == [False, True]


@pytest.mark.parametrize(
    ("place", "remote"),
    [("s3://b/*.jsonl", True), ("https://h/j", True), ("gs://b/x", True), ("journal", False), ("./s3:/x", False)],
)
def test_addresses_are_told_from_paths(place: str, remote: bool) -> None:
    assert is_remote(place) is remote
    if remote:
        assert files_of([place]) == (place,)


def test_mistakes_are_told_in_the_words_of_duckdb(tmp_path: Path) -> None:
    written(tmp_path, [entry()])
    result = sql("--journal", tmp_path, "select nope from turns")
    assert result.exit_code == 1
    assert 'Referenced column "nope" not found' in result.output


@pytest.mark.parametrize(("what", "query"), EXAMPLES)
async def test_the_examples_find_something(what: str, query: str, tmp_path: Path) -> None:
    await play(by_rules(), tmp_path, streams=[False])
    assert rows(query, tmp_path), what


def test_formats(tmp_path: Path) -> None:
    written(tmp_path, [entry()])
    query = "select ts, turn, calls, final, 1.5 as x, null as y from turns"
    one = json.loads(sql("--journal", tmp_path, "--format", "json", query).stdout)
    assert one == {
        "ts": "2026-11-28T10:00:00",
        "turn": "0000000000000001",
        "calls": ["bash"],
        "final": {"text": "", "calls": [{"name": "bash", "arguments": '{"command": "ls"}'}]},
        "x": 1.5,
        "y": None,
    }
    head, row = csv.reader(io.StringIO(sql("--journal", tmp_path, "--format", "csv", query).stdout))
    assert head == ["ts", "turn", "calls", "final", "x", "y"]
    assert row[1] == "0000000000000001"
    table = sql("--journal", tmp_path, query).stdout.splitlines()
    assert table[0].split() == ["ts", "turn", "calls", "final", "x", "y"]
    assert "0000000000000001" in table[2]


def test_a_table_shows_no_control_characters_and_takes_no_id_for_a_number() -> None:
    text = printed(Reply(["a\x1b"], ["VARCHAR"], [("\x1b[2J12",), ("1e5",), ("x" * 500,)], []), "table")
    assert "\x1b" not in text
    assert "\\x1b[2J12" in text
    assert "1e5" in text
    assert max(map(len, text.splitlines())) <= 100


def test_without_a_question_it_says_what_there_is() -> None:
    result = sql()
    assert result.exit_code == 0
    for table in TABLES:
        assert all(each.name in result.output for each in table.columns)
    assert all(query in result.output for _, query in EXAMPLES)


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from sys import modules

    import proxy.sql

    for name in ("ask", "places", "printed"):
        monkeypatch.delitem(modules, f"proxy.sql.{name}")
        monkeypatch.delattr(proxy.sql, name)
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "duckdb":
            raise ModuleNotFoundError(name="duckdb")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    result = sql("select 1")
    assert result.exit_code == 1
    assert (
        f"sql needs duckdb, which is not installed: {sys.executable} -m pip install -e '{Path(__file__).parents[3]}[sql]'"
        in result.output
    )
