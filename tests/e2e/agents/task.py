"""The task: a small repository whose calc.py lacks a colon, and the commands by which that is set right."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.openhands.task import Message, text_of

TASK = "calc.py cannot be imported: the line that begins the function add lacks its colon. test_calc.py shows it."

BROKEN = "def add(a, b)\n    return a + b\n\n\ndef sub(a, b):\n    return a - b\n"
FIXED = BROKEN.replace("add(a, b)\n", "add(a, b):\n")
RIGHT = "calc.py is right"
"""What the test prints when it passes."""

_FILES = {
    "calc.py": BROKEN,
    "test_calc.py": f'from calc import add, sub\n\nassert add(2, 3) == 5\nassert sub(5, 3) == 2\nprint("{RIGHT}")\n',
}
_MAGIC = "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: the command, and the text in its result that shows that it is done."""

    name: str
    command: str
    done: str


LOOK = Step("look", "cat calc.py", "return a + b")
FIX = Step("fix", "sed -i '1s/$/:/' calc.py && head -n 1 calc.py", "def add(a, b):")
TEST = Step("test", "python3 test_calc.py", RIGHT)
PATCH = Step("patch", "git diff -- calc.py > patch.txt && cat patch.txt", "+def add(a, b):")
SUBMIT = Step("submit", f"echo {_MAGIC}", "")
SUBMIT_PATCH = Step("submit", f"echo {_MAGIC} && cat patch.txt", "")
SUBMIT_TOOL = Step("submit", "submit", "")
"""No command holds what shows any step as done: a command that is only quoted proves nothing."""


def make_repository(root: Path) -> Path:
    """Make the repository with its one commit; the test fails in it."""
    home = root / "repository"
    home.mkdir()
    for name, content in _FILES.items():
        (home / name).write_text(content)
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost", "-c", "commit.gpgsign=false"]
    for words in (["init", "--quiet"], ["add", "."], [*who, "commit", "--quiet", "--message", "begin"]):
        subprocess.run(["git", *words], cwd=home, env=_git_environment(), check=True, timeout=30)
    return home


def _git_environment() -> Mapping[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}


def is_fixed(home: Path) -> bool:
    """Tell whether calc.py is as it should be, to the character, and the test passes."""
    return (home / "calc.py").read_text() == FIXED and passes(home)


def passes(home: Path) -> bool:
    """Run the test as it was given."""
    test = subprocess.run(
        [sys.executable, "-B", "-c", _FILES["test_calc.py"]], cwd=home, capture_output=True, text=True, check=False, timeout=30
    )
    return test.stdout.strip() == RIGHT


def remaining(messages: Sequence[Message]) -> tuple[list[Step], Sequence[Message]]:
    """Return the steps still to be done, the next one first, and the messages since the last step that was done.

    The instructions say how to submit: by a word to be printed, with or without a file patch.txt; else there is `submit`.
    """
    start = next((at for at, message in enumerate(messages, start=1) if message.get("role") == "user"), len(messages))
    steps = _plan("".join(map(text_of, messages[:start])))
    done, since = set[str](), start
    for at, message in enumerate(messages[start:], start=start + 1):
        shown = {step.name for step in steps if step.done and step.done in text_of(message)}
        if message.get("role") != "assistant" and shown - done:
            done |= shown
            since = at
    return [step for step in steps if step.name not in done], messages[since:]


def _plan(asked: str) -> list[Step]:
    if _MAGIC not in asked:
        return [LOOK, FIX, TEST, SUBMIT_TOOL]
    return [LOOK, FIX, TEST, PATCH, SUBMIT_PATCH] if "patch.txt" in asked else [LOOK, FIX, TEST, SUBMIT]
