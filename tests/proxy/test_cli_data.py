"""The commands over a journal's turns: what cannot be done is refused with a reason, and with the right exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MODEL, Proxy, Start
from tests.fake_vllm import FakeVllm
from tests.proxy.turns_kept import BASH, EMPTY, GOOD, kept, run

ONE_TURN = ("minimise", "example")


async def recorded(vllm: FakeVllm, start: Start, folder: Path, content: str = "go", **settings: Any) -> dict[str, Any]:
    vllm.says(EMPTY, GOOD)
    proxy = Proxy(await start(upstream=vllm.url, journal=folder, **settings), vllm, stream=False)
    await proxy.ask(content, tools=[BASH])
    return dict((await kept(folder))[-1])


def written(path: Path, entry: dict[str, Any]) -> Path:
    path.write_text(json.dumps(entry) + "\n")
    return path


@pytest.mark.parametrize("command", ONE_TURN)
async def test_no_such_turn(vllm: FakeVllm, start: Start, tmp_path: Path, command: str) -> None:
    await recorded(vllm, start, tmp_path)
    result = await run(command, "0badc0de", "--journal", tmp_path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no turn 0badc0de is there" in result.stderr


@pytest.mark.parametrize("command", [*((each, "last") for each in ONE_TURN), ("export",)])
async def test_no_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOOLMEND_JOURNAL", raising=False)
    result = await run(*command)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "journal: there is no such file" in result.stderr


@pytest.mark.parametrize("command", [*((each, "last") for each in ONE_TURN), ("export",)])
@pytest.mark.parametrize("case", ["old", "bodies off", "shortened", "foreign profile"])
async def test_records_that_do_not_hold_what_it_takes(
    vllm: FakeVllm, start: Start, tmp_path: Path, command: tuple[str, ...], case: str
) -> None:
    if case == "bodies off":
        await recorded(vllm, start, tmp_path, journal_bodies="off")
        folder, why = tmp_path, "its request was not kept: bodies were off, or it was too large"
    elif case == "shortened":
        await recorded(vllm, start, tmp_path, "x" * 300_000)
        folder, why = tmp_path, "its request was too long to be kept whole"
    elif case == "foreign profile":
        await recorded(vllm, start, tmp_path, profile=[{"name": "mine", "extends": "gemma-4", "match": [MODEL]}])
        folder, why = tmp_path, 'its profile "mine" is not there: say --config with the file that has it'
    else:
        entry = await recorded(vllm, start, tmp_path / "j")
        del entry["v"], entry["known"], entry["request"]["body"]
        entry["attempts"] = [
            {key: each[key] for key in ("raw", "ending", "problem", "usage", "seconds")} for each in entry["attempts"]
        ]
        folder, why = written(tmp_path / "old.jsonl", entry), "it was written by an older toolmend, which did not keep requests"
    result = await run(*command, "--journal", folder)
    assert (result.exit_code, result.stdout) == (1, ""), result.exception
    assert why in result.stderr


@pytest.mark.parametrize("command", [*((each, "last") for each in ONE_TURN), ("export",)])
async def test_profiles_come_from_the_configuration(
    vllm: FakeVllm, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    await recorded(vllm, start, tmp_path / "j", profile=[{"name": "mine", "extends": "gemma-4", "match": [MODEL]}])
    config = tmp_path / "t.toml"
    config.write_text(f'upstream = "http://127.0.0.1:9"\n[[profile]]\nname = "mine"\nextends = "gemma-4"\nmatch = ["{MODEL}"]\n')
    monkeypatch.setenv("TOOLMEND_JOURNAL", str(tmp_path / "j"))
    result = await run(*command, "--config", config)
    assert result.exit_code == 0, result.output
    config.write_text("upsteam = 1\n")
    result = await run(*command, "--config", config)
    assert result.exit_code == 2
    assert 't.toml:1: unknown key "upsteam"; did you mean "upstream"?' in result.stderr


async def test_a_shortened_request_is_taken_where_that_is_said(vllm: FakeVllm, start: Start, tmp_path: Path) -> None:
    await recorded(vllm, start, tmp_path, "x" * 300_000)
    for command in ONE_TURN:
        assert (await run(command, "last", "--shortened", "--journal", tmp_path)).exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("minimise",),
        ("example",),
        ("export", "--format", "yaml"),
        ("minimise", "last", "--repeats", "0"),
        ("minimise", "last", "--live", "ftp://x"),
        ("export", "--nonsense"),
    ],
)
async def test_wrong_use_is_told(vllm: FakeVllm, start: Start, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    await recorded(vllm, start, tmp_path)
    result = await run(*arguments, "--journal", tmp_path)
    assert (result.exit_code, result.stdout) == (2, ""), result.exception


async def test_what_cannot_be_written_is_told(vllm: FakeVllm, start: Start, tmp_path: Path) -> None:
    await recorded(vllm, start, tmp_path / "j")
    for command in (("minimise", "last"), ("export",)):
        result = await run(*command, "--journal", tmp_path / "j", "--out", tmp_path / "none" / "x.jsonl")
        assert result.exit_code == 1
        assert "x.jsonl: No such file or directory" in result.stderr


async def test_a_turn_that_is_served_otherwise_today_is_not_minimised(vllm: FakeVllm, start: Start, tmp_path: Path) -> None:
    entry = await recorded(vllm, start, tmp_path / "j")
    file = written(tmp_path / "other.jsonl", {**entry, "reason": "unknown-tool", "class": "model-name"})
    result = await run("minimise", "last", "--journal", file)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "it does not fail as it did then any more: asked-again, model-arguments, missing-arguments" in result.stderr


async def test_help_says_what_they_do() -> None:
    general = (await run("--help")).output
    for name in ("minimise", "example", "export"):
        assert name in general
        particular = (await run(name, "--help")).output
        assert "--journal" in particular
        assert max(map(len, particular.splitlines())) <= 110
