"""Commands that go as base64: real shells run them as they run the commands themselves."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Unwritable
from adapters.clients.shell_text import LONGEST, bears_trimming, carried, encoded

shells = pytest.mark.parametrize("shell", [each for each in ("sh", "dash", "bash") if shutil.which(each)])
COMMANDS = [
    "echo hi",
    "cd / && pwd; false",
    "cat <<'EOF'\n```bash\nls\n```\nEOF",
    "printf '%s|' \"$HOME\" '$HOME' \\$x 'a  b' '</command>'",
    "x=1\nfor i in 1 2; do x=$((x + i)); done\necho $x",
    "echo é€😀 '!!'",
    "exit 7",
    "printf 'a\\n' | while read line; do echo \"<$line>\"; done",
    "echo a\\ ",
    "echo 'un",
    "",
]


def run(shell: str, command: str, folder: Path) -> tuple[int, str]:
    """Run a command; return its exit code and output."""
    done = subprocess.run([shell, "-c", command], cwd=folder, capture_output=True, text=True, timeout=10, check=False)
    return done.returncode, done.stdout


@shells
@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_encoded_does_the_same(shell: str, command: str, tmp_path: Path) -> None:
    assert run(shell, encoded(command), tmp_path) == run(shell, command, tmp_path)


@shells
def test_it_runs_in_the_same_shell(shell: str, tmp_path: Path) -> None:
    assert run(shell, f"{encoded('cd / && X=5')}\npwd; echo $X", tmp_path) == (0, "/\n5\n")


@shells
@pytest.mark.parametrize(
    "command", [*COMMANDS, " echo a\n", "\necho a \n", "cat <<E\na\nE\n", "echo \\\\ ", "\u00a0echo", "a\u00a0"]
)
def test_what_bears_trimming_does_the_same_trimmed(shell: str, command: str, tmp_path: Path) -> None:
    if bears_trimming(command):
        assert run(shell, command.strip(), tmp_path) == run(shell, command, tmp_path)


@pytest.mark.parametrize("command", ["echo a\\ ", "\u00a0x", "x\u2028", "cat <<E\na\nE \n", "\x0becho"])
def test_what_a_shell_sees_is_not_trimmed(command: str) -> None:
    assert not bears_trimming(command)
    assert carried(command).startswith("eval ")


@pytest.mark.parametrize("command", ["ls", " ls\n", "\tls -la  ", "cat <<E\na\nE\n\n"])
def test_a_plain_command_goes_as_it_is(command: str) -> None:
    assert carried(command) == command


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=60))
def test_what_is_encoded_is_one_line_of_plain_characters(text: str) -> None:
    line = encoded(text)
    assert line.isascii()
    assert not set(line) & set("\n`<>")


@pytest.mark.parametrize("command", ["a\x00b", "\ud800", "x" * 100_000])
def test_what_no_shell_can_be_given_is_refused(command: str) -> None:
    with pytest.raises(Unwritable):
        encoded(command)


def test_what_is_encoded_fits_into_one_argument(tmp_path: Path) -> None:
    command = f"printf %s '{'`' * 98_000}' | wc -c"
    assert len(encoded(command)) <= LONGEST
    assert run("sh", encoded(command), tmp_path)[1].strip() == "98000"
