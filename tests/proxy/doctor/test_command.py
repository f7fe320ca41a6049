"""The command: its options, its files, its exit codes, and what an interruption leaves."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy.app import make_app
from proxy.cli import toolmend
from proxy.config_file import ConfigError, read_config
from proxy.demo.model import make_model
from proxy.doctor.profile_file import write
from proxy.profiles import choose, load
from proxy.settings import Settings
from tests.proxy.doctor.conftest import Examine, serving
from tests.proxy.doctor.server import Server, talker

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("TOOLMEND_"):
            monkeypatch.delenv(name)


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(toolmend, ["doctor", *arguments], prog_name="toolmend")


def test_help_tells_the_exit_codes() -> None:
    text = ask("--help").output
    assert all(re.search(rf"^ +{code} +\w", text, re.MULTILINE) for code in (0, 1, 2, 3, 130))
    assert "TOOLMEND_UPSTREAM_KEY" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "--upstream"),
        (("--upstream", "localhost:8000"), 'is "http://localhost:8000" meant?'),
        (("--upstream", "http://a:1", "--proxy", "a:2"), '"proxy" must be an http(s) URL'),
        (("--upstream", "http://a:1", "--config", "none.toml"), "none.toml: cannot be read"),
        (("--upstream", "http://a:1", "--repeats", "0"), "--repeats"),
    ],
)
def test_a_wrong_option_is_named(arguments: tuple[str, ...], words: str) -> None:
    result = ask(*arguments)
    assert result.exit_code == 2
    assert words in result.output


def test_words_go_to_the_output_and_the_plan_to_the_error_output() -> None:
    with serving(Server().app()) as url:
        result = ask("--upstream", url, "--level", "1")
    assert result.exit_code == 0
    assert "Nothing breaks" in result.stdout
    assert "at most" in result.stderr
    assert "at most" not in result.stdout


def test_a_table_says_where_it_breaks() -> None:
    with serving(Server(model=talker).app()) as url:
        result = ask("--upstream", url, "--level", "1")
    assert result.exit_code == 1
    assert "It breaks at level 1. The fault: the model." in result.stdout
    assert "0/1 no-call" in result.stdout


# -- the profile


@pytest.mark.parametrize(
    ("server", "keys"),
    [
        (Server(), {}),
        (Server(dialect="qwen_xml", parser=None, models=("acme [x]*",)), {"extends": "qwen3.5"}),
        (Server(hides=frozenset({"arguments"})), {"protocol": "text:gemma4"}),
        (Server(logs=False), {"raw": "content"}),
        (Server(models=("gemma-4",)), {"extends": "gemma-4"}),
    ],
)
def test_a_profile_that_is_written_loads_and_is_chosen(
    examined: Examine, tmp_path: Path, server: Server, keys: dict[str, str]
) -> None:
    path = tmp_path / "profile.toml"
    examined(server, write=path, level=("1",))
    table = read_config(path).profile[0]
    assert {name: getattr(table, name) for name in keys} == keys
    assert choose(server.models[0], load((table,))).name == table.name
    assert choose(server.models[0] + "x", load((table,))).name != table.name


def test_a_written_profile_can_be_tried(examined: Examine, tmp_path: Path) -> None:
    path = tmp_path / "profile.toml"
    server = Server(dialect="hermes_json", parser="hermes_json", models=("qwen3-simulated",), hides=frozenset({"tool"}))
    examined(server, write=path, level=("1",))
    report = examined(server, config=path)
    assert report["profile"] == "qwen3-simulated"
    assert report.right(via="direct", protocol="native") == {False}
    assert report.right(via="toolmend") == {True}


OWN = """[[profile]]
name = "gemma-4"
thinking = "field"
[[profile]]
name = "ours"
extends = "gemma-4"
match = ["gemma-4-sim*"]
fill = { openhands = { security_risk = "LOW" } }
"""


def test_what_was_configured_stays_in_what_is_written(examined: Examine, tmp_path: Path) -> None:
    config, path = tmp_path / "own.toml", tmp_path / "profile.toml"
    config.write_text(OWN)
    assert examined(Server(), config=config, write=path, level=("1",))["profile"] == "ours"
    (table,) = read_config(path).profile
    assert (table.extends, table.thinking, table.fill) == ("gemma-4", "field", {"openhands": {"security_risk": "LOW"}})


def test_thinking_is_switched_off_beside_what_the_profile_asks_anyway(examined: Examine, tmp_path: Path) -> None:
    path = tmp_path / "profile.toml"
    report = examined(Server(thinks="Let me see. " * 100, quiet=True), answer_tokens=150, write=path, level=("1",))
    assert "thinking-eats-budget" in report.codes()
    wanted = {"skip_special_tokens": False, "chat_template_kwargs": {"enable_thinking": False}}
    assert choose("gemma-4-simulated", load(read_config(path).profile)).request == wanted


def test_what_does_not_load_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "profile.toml"
    path.write_text("# mine\n")
    with pytest.raises(ConfigError):
        write(path, '[[profile]]\nname = "x"\n')
    assert (path.read_text(), list(tmp_path.iterdir())) == ("# mine\n", [path])


def test_a_file_that_is_there_is_not_replaced_unless_it_is_wished(tmp_path: Path) -> None:
    path = tmp_path / "profile.toml"
    path.write_text("# mine\n")
    with serving(Server().app()) as url:
        result = ask("--upstream", url, "--level", "1", "--write", str(path))
        assert (result.exit_code, path.read_text()) == (2, "# mine\n")
        assert "--force" in result.output
        assert ask("--upstream", url, "--level", "1", "--write", str(path), "--force").exit_code == 0
    assert read_config(path).profile


def test_no_profile_is_written_of_a_part(examined: Examine, tmp_path: Path) -> None:
    path = tmp_path / "profile.toml"
    assert examined(Server(), write=path, requests=15)["stopped"]
    assert not path.exists()


# -- through a toolmend that runs


def test_a_toolmend_that_runs_is_asked(examined: Examine, at: Examine) -> None:
    with serving(Server(model=talker).app()) as url:
        report = at(url, proxy=url, level=("1",))  # no toolmend, but what stands in its place
    assert "toolmend-absent" in report.codes()
    assert report["proxy"] == url


def test_a_toolmend_that_makes_it_worse_is_blamed(at: Examine) -> None:
    with serving(Server().app()) as url, serving(Server(model=talker).app()) as worse:
        report = at(url, proxy=worse, level=("1",))
    found = report.finding("toolmend-worse")
    assert (found["blame"], report["exit"]) == ("toolmend", 1)


def test_a_toolmend_that_is_down_is_named(at: Examine) -> None:
    with serving(Server().app()) as url:
        report = at(url, proxy="http://127.0.0.1:9", level=("1",))
    assert "toolmend-unreachable" in report.codes()


def test_a_toolmend_in_the_servers_place_is_noticed(at: Examine) -> None:
    with serving(Server().app()) as url, serving(make_app(Settings(upstream=url, probe=False), load())) as toolmend:
        report = at(toolmend, level=("1",))
    assert report.codes() == {"direct-is-toolmend"}


# -- the demonstration's model, which knows one task only


def test_the_demonstrations_model_is_not_taken_for_a_fault_of_the_server(at: Examine) -> None:
    with serving(make_model()) as url:
        report = at(url)
    assert {each["blame"] for each in report["findings"] if each["weight"] == "breaks"} == {"model"}


# -- an interruption


def test_an_interruption_tells_what_is_known_by_then() -> None:
    server = Server()
    server.hangs_from = 25
    with serving(server.app()) as url:
        command = [sys.executable, "-m", "proxy", "doctor", "--upstream", url, "--json"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert server.hung.wait(30)
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=20)
    assert process.returncode == 130, errors
    report = json.loads(out)
    assert (report["exit"], report["stopped"], report["complete"]) == (130, "it was interrupted", False)
    assert report["plays"]
    assert b"Traceback" not in errors


def test_where_nothing_was_played_nothing_is_said_to_have_gone_well() -> None:
    result = ask("--upstream", "http://127.0.0.1:9")
    assert result.exit_code == 3
    assert "Nothing could be played. The fault: the way to the server." in result.output
    assert "went well" not in result.output
