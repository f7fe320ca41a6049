"""`toolmend report --html` reads what can be read, says what it wrote, and says why where it cannot."""

from __future__ import annotations

import builtins
import gzip
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from proxy.cli import toolmend
from tests.proxy.report.made import entry, written


def report(*arguments: str | Path) -> Result:
    return CliRunner().invoke(toolmend, ["report", *map(str, arguments)], prog_name="toolmend")


def test_the_page_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    written(tmp_path, [entry()])
    result = report("--journal", tmp_path, "--html", tmp_path / "r.html")
    assert result.exit_code == 0
    assert "r.html" in result.output
    assert "1 of 1 turns in full" in result.output
    assert (tmp_path / "r.html").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "r.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_torn_foreign_and_compressed_lines(tmp_path: Path) -> None:
    file = written(tmp_path, [entry(), {"ts": "1", "foreign": True}])
    (tmp_path / "journal-0.1.jsonl.gz").write_bytes(gzip.compress(file.read_bytes()))
    file.write_bytes(file.read_bytes() + b'no json\n{"ts": "2026')
    assert report("--journal", tmp_path, "--html", tmp_path / "r.html").exit_code == 0
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "2 turns that were not right" in page
    for skipped in ("2 lines that are no records of toolmend", "1 lines that are no JSON", "1 torn last lines"):
        assert skipped in page


def test_since_holds_for_the_page(tmp_path: Path) -> None:
    written(tmp_path, [entry(), entry(turn="2", ts=0.0)])
    report("--journal", tmp_path, "--since", "2026-11-01", "--html", tmp_path / "r.html")
    assert "1 turns that were not right" in (tmp_path / "r.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("missing", ["jinja2", "pygal"])
def test_what_is_not_installed_is_named(missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sys import modules

    for name in [each for each in modules if each.startswith("proxy.report.page")]:
        monkeypatch.delitem(modules, name)
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == missing:
            raise ModuleNotFoundError(name=missing)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    written(tmp_path, [entry()])
    result = report("--journal", tmp_path, "--html", tmp_path / "r.html")
    assert result.exit_code == 1
    how = f"{sys.executable} -m pip install -e '{Path(__file__).parents[4]}[report]'"
    assert f"--html needs {missing}, which is not installed: {how}" in result.output


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    written(tmp_path, [entry()])
    result = report("--journal", tmp_path, "--html", tmp_path / "nowhere" / "r.html")
    assert (result.exit_code, "No such file" in result.output) == (1, True)


def test_no_journal_writes_no_page(tmp_path: Path) -> None:
    result = report("--journal", tmp_path / "none", "--html", tmp_path / "r.html")
    assert (result.exit_code, (tmp_path / "r.html").exists()) == (1, False)


def test_one_form_at_a_time(tmp_path: Path) -> None:
    assert report("--journal", tmp_path, "--html", tmp_path / "r.html", "--json").exit_code == 2
