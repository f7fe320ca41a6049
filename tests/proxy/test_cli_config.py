"""`toolmend config` and `toolmend completion`: what serve would be told, and where from; secrets are never shown."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from proxy.cli import toolmend

ROOT = Path(__file__).parents[2]
URL = "http://127.0.0.1:8000"
FILE = f"""upstream = "{URL}/v1"
mode = "observe"
port = 1001
[limits]
tools = 7
[[profile]]
name = "mine"
match = ["m*"]
fill = {{}}
"""


pytestmark = pytest.mark.usefixtures("bare")


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(toolmend, arguments, prog_name="toolmend")


def shown(*arguments: str) -> dict[str, tuple[Any, str]]:
    result = ask("config", "show", "--json", *arguments)
    assert result.exit_code == 0, result.output
    return {row["key"]: (row["value"], row["origin"]) for row in json.loads(result.stdout)}


def test_each_value_is_shown_with_its_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("t.toml").write_text(FILE)
    monkeypatch.setenv("TOOLMEND_PORT", "1002")
    monkeypatch.setenv("TOOLMEND_MODE", "off")
    found = shown("--config", "t.toml", "--mode", "repair")
    assert found["config"] == ("t.toml", "--config")
    assert found["upstream"] == (URL, "t.toml:1")
    assert found["mode"] == ("repair", "--mode")
    assert found["port"] == (1002, "TOOLMEND_PORT")
    assert found["host"] == ("127.0.0.1", "default")
    assert found["limits.tools"] == (7, "t.toml:5")
    assert found["limits.choices"] == (8, "default")
    assert found["profile[0].name"] == ("mine", "t.toml:7")
    assert "profile[0].reads" not in found


def test_secrets_are_shown_as_set_or_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("keys").write_text("canary-1\n")
    Path("key").write_text("canary-2\n")
    unset = shown("--upstream", URL)
    assert unset["client_key"] == unset["client_keys"] == ("unset", "default")
    monkeypatch.setenv("TOOLMEND_UPSTREAM_KEY", "canary-3")
    monkeypatch.setenv("TOOLMEND_CLIENT_KEY_FILE", "key")
    found = shown("--upstream", URL, "--client-keys-file", "keys")
    assert found["upstream_key"] == ("set", "TOOLMEND_UPSTREAM_KEY")
    assert found["client_key"] == ("set", "TOOLMEND_CLIENT_KEY_FILE")
    assert found["client_keys"] == ("set", "--client-keys-file")
    assert "canary" not in json.dumps(found)
    assert "canary" not in ask("config", "show", "--upstream", URL, "--client-keys-file", "keys").output


def test_a_table_is_printed_for_people() -> None:
    lines = ask("config", "show", "--upstream", URL).output.splitlines()
    assert [line.split() for line in lines if line.startswith(("upstream ", "journal "))] == [
        ["upstream", URL, "--upstream"],
        ["journal", "-", "default"],
    ]


def test_all_mistakes_are_named_with_their_lines() -> None:
    Path("t.toml").write_text('upsteam = "x"\nport = "1"\n[budget]\nasks = -1\n')
    result = ask("config", "check", "--config", "t.toml")
    assert result.exit_code == 2
    assert all(f"t.toml:{line}: " in result.output for line in (1, 2, 4))
    assert ask("config", "check").exit_code == 2
    assert ask("config", "check", "--upstream", URL, "--host", "0.0.0.0").exit_code == 2


def test_what_is_right_but_strange_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("t.toml").write_text(FILE)
    monkeypatch.setenv("TOOLMEND_PROT", "1")
    monkeypatch.setenv("TOOLMEND_CLIENT_KEY", "")
    result = ask("config", "check", "--config", "t.toml")
    assert result.exit_code == 0
    assert result.stdout == "the settings are right\n"
    assert "TOOLMEND_PROT is not known; did you mean TOOLMEND_PORT?" in result.stderr
    assert "TOOLMEND_CLIENT_KEY is set but empty" in result.stderr
    assert 't.toml:9: "fill" is set but empty' in result.stderr
    assert len(result.stderr.splitlines()) == 3


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_is_printed(shell: str) -> None:
    result = ask("completion", shell)
    assert result.exit_code == 0
    assert "_TOOLMEND_COMPLETE" in result.output


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_takes_the_script() -> None:
    script = f"set -e; source <({sys.executable} -m proxy completion bash); complete -p toolmend"
    ran = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "toolmend" in ran.stdout


def test_options_are_completed() -> None:
    environment = {**os.environ, "_TOOLMEND_COMPLETE": "bash_complete", "COMP_WORDS": "toolmend config sh", "COMP_CWORD": "2"}
    ran = subprocess.run([sys.executable, "-m", "proxy"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.stdout.split() == ["plain,show"]
