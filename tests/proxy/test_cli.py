"""The command line: help that reads like documentation, who wins over whom, and refusals with a way out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from proxy.cli import _settings, serve, toolmend, unknown_variables, warnings_of
from proxy.settings import Settings

ROOT = Path(__file__).parents[2]
URL = "http://127.0.0.1:8000"

OTHERS = {
    "upstream": ("http://a:1", "http://b:2", "http://c:3"),
    "host": ("127.0.0.2", "127.0.0.3", "127.0.0.4"),
    "port": (1001, 1002, 1003),
    "journal": ("one", "two", "three"),
    "journal_bodies": ("off", "on", "off"),
    "mode": ("observe", "off", "observe"),
    "workers": (2, 3, 4),
    "metrics_host": ("127.0.0.2", "127.0.0.3", "127.0.0.4"),
    "metrics_port": (2001, 2002, 2003),
    "stream": ("hold", "eager", "hold"),
}


pytestmark = pytest.mark.usefixtures("bare")


def told(*arguments: str) -> Settings:
    """Return the settings that a command line gives, without serving."""
    with serve.make_context("serve", list(arguments)) as context:
        return _settings(context, dict(context.params))


def refused(*arguments: str) -> str:
    with pytest.raises(click.UsageError) as caught:
        told(*arguments)
    assert caught.value.exit_code == 2
    return caught.value.format_message()


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(toolmend, arguments, prog_name="toolmend")


@pytest.mark.parametrize("name", OTHERS)
def test_command_line_over_environment_over_file_over_default(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    in_file, in_environment, on_line = OTHERS[name]
    base = [] if name == "upstream" else ["--upstream", URL]
    shown = f'"{in_file}"' if isinstance(in_file, str) else in_file
    Path("t.toml").write_text(f"{name} = {shown}\n")
    assert str(getattr(told(*base, "--config", "t.toml"), name)) == str(in_file)
    monkeypatch.setenv(f"TOOLMEND_{name.upper()}", str(in_environment))
    assert str(getattr(told(*base, "--config", "t.toml"), name)) == str(in_environment)
    assert str(getattr(told(*base, "--config", "t.toml", f"--{name.replace('_', '-')}", str(on_line)), name)) == str(on_line)


def test_the_options_are_these() -> None:
    names = {option for each in serve.params if isinstance(each, click.Option) and not each.hidden for option in each.opts}
    expected = {*OTHERS, "config", "no_key_needed", "otel", "probe", "client_keys_file", "tls_cert", "tls_key", "upstream_ca"}
    assert names == {f"--{name.replace('_', '-')}" for name in expected}


def test_the_file_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("t.toml").write_text(f'upstream = "{URL}/v1"\nno_key_needed = true\nhost = "0.0.0.0"\n[limits]\ntools = 7\n')
    monkeypatch.setenv("TOOLMEND_CONFIG", "t.toml")
    found = told()
    assert (found.upstream, found.host, found.no_key_needed, found.limits.tools) == (URL, "0.0.0.0", True, 7)


def test_keys_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLMEND_UPSTREAM_KEY", "one")
    monkeypatch.setenv("TOOLMEND_CLIENT_KEY", "two")
    found = told("--upstream", URL, "--host", "0.0.0.0")
    assert found.upstream_key
    assert found.client_key
    assert (found.upstream_key.get_secret_value(), found.client_key.get_secret_value()) == ("one", "two")
    monkeypatch.setenv("TOOLMEND_CLIENT_KEY", "")
    assert told("--upstream", URL).client_key is None


def test_the_keys_of_other_servers_come_from_the_variables_that_the_file_names(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("t.toml").write_text(f'upstream = "{URL}"\n[[server]]\nurl = "http://q"\nmodels = ["q*"]\nkey_variable = "QWEN_KEY"\n')
    assert "the variable QWEN_KEY" in refused("--config", "t.toml")
    monkeypatch.setenv("QWEN_KEY", "three")
    found = told("--config", "t.toml")
    other = found.at(found.server[0])
    assert other.upstream_key
    assert (other.upstream, other.upstream_key.get_secret_value(), found.upstream_key) == ("http://q", "three", None)
    assert "three" not in repr(found)


def test_a_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("one").write_text("k-1\n")
    monkeypatch.setenv("TOOLMEND_UPSTREAM_KEY_FILE", "one")
    monkeypatch.setenv("TOOLMEND_CLIENT_KEY_FILE", "one")
    found = told("--upstream", URL)
    assert found.upstream_key
    assert found.client_key
    assert (found.upstream_key.get_secret_value(), found.client_key.get_secret_value()) == ("k-1", "k-1")
    assert unknown_variables(["TOOLMEND_UPSTREAM_KEY_FILE", "TOOLMEND_CLIENT_KEY_FILE"]) == []
    monkeypatch.setenv("TOOLMEND_CLIENT_KEY", "two")
    assert "exclude each other" in refused("--upstream", URL)
    monkeypatch.delenv("TOOLMEND_CLIENT_KEY")
    Path("one").write_text("two words\n")
    assert "TOOLMEND_UPSTREAM_KEY_FILE: one: must hold one key" in refused("--upstream", URL)


def test_several_keys_open_the_door(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("keys").write_text("# ours\nk-1\n\n  k-2\n")
    monkeypatch.setenv("TOOLMEND_CLIENT_KEYS_FILE", "keys")
    found = told("--upstream", URL, "--host", "0.0.0.0")
    assert [each.get_secret_value() for each in found.client_keys] == ["k-1", "k-2"]
    Path("keys").write_text("# nothing\n")
    assert "holds no key" in refused("--upstream", URL)
    assert "none.txt: cannot be read" in refused("--upstream", URL, "--client-keys-file", "none.txt")


def test_keys_that_everybody_can_read_are_warned_of() -> None:
    Path("keys").write_text("k-1\n")
    Path("keys").chmod(0o644)
    found = told("--upstream", URL, "--client-keys-file", "keys")
    assert [each for each in warnings_of(found) if "chmod 600" in each]
    Path("keys").chmod(0o600)
    assert warnings_of(found) == []


def test_an_open_door_is_refused_with_a_way_out() -> None:
    message = refused("--upstream", URL, "--host", "0.0.0.0")
    assert "TOOLMEND_CLIENT_KEY" in message
    assert "--no-key-needed" in message
    assert told("--upstream", URL, "--host", "0.0.0.0", "--no-key-needed").host == "0.0.0.0"


def test_mistakes_are_refused_with_what_would_be_right(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "--upstream URL" in refused()
    assert 'is "http://localhost:8000" meant?' in refused("--upstream", "localhost:8000")
    assert "'--mode'" in refused("--upstream", URL, "--mode", "repiar")
    monkeypatch.setenv("TOOLMEND_PORT", "x")
    assert "'--port'" in refused("--upstream", URL)


def test_a_wrong_file_is_refused_with_its_line() -> None:
    Path("t.toml").write_text('\nupsteam = "x"\n')
    result = ask("serve", "--config", "t.toml")
    assert result.exit_code == 2
    assert 't.toml:2: unknown key "upsteam"; did you mean "upstream"?' in result.output
    result = ask("serve", "--config", "none.toml")
    assert result.exit_code == 2
    assert "none.toml: cannot be read" in result.output


def test_probing_is_on_unless_somebody_says_no(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told("--upstream", URL).probe is True
    assert told("--upstream", URL, "--no-probe").probe is False
    Path("t.toml").write_text("probe = false\n")
    assert told("--upstream", URL, "--config", "t.toml").probe is False
    monkeypatch.setenv("TOOLMEND_PROBE", "true")
    assert told("--upstream", URL, "--config", "t.toml").probe is True


def test_slips_in_variables_are_told() -> None:
    assert unknown_variables(["PATH", "TOOLMEND_PORT", "TOOLMEND_CLIENT_KEY", "TOOLMEND_CONFIG"]) == []
    assert unknown_variables(["TOOLMEND_UPSTEAM"]) == [
        "the variable TOOLMEND_UPSTEAM is not known; did you mean TOOLMEND_UPSTREAM?"
    ]


def test_help_reads_like_documentation() -> None:
    general, particular = ask("--help").output, ask("serve", "--help").output
    assert "Examples:" in general
    assert "serve" in general
    assert "demo" in general
    for heading in ("Examples:", "Options:", "Environment:", "Config file", "Exit codes:"):
        assert heading in particular
    assert "--worker " not in particular
    assert max(map(len, particular.splitlines())) <= 110


def test_the_documented_file_is_right() -> None:
    help_text = ask("serve", "--help").output
    lines = help_text[help_text.index("  upstream = ") :].partition("A wrong key")[0].splitlines()
    Path("t.toml").write_text("\n".join(line.strip() for line in lines))
    assert told("--config", "t.toml").profile[0].extends == "gemma-4"


def test_the_module_runs_as_a_program() -> None:
    command = [sys.executable, "-m", "proxy", "--version"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("toolmend, version")
    ran = subprocess.run([*command[:3], "serve"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 2


def test_the_general_help_imports_nothing_heavy() -> None:
    program = "import sys, proxy.cli; print(*{'pydantic', 'aiohttp', 'adapters', 'jsonschema', 'orjson'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""
