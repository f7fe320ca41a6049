"""What kind of thing a call does: it looks, changes something, or checks. Said only where it is plain; else it is `other`."""

from __future__ import annotations

import re
from typing import Final, Literal

from rules.conversation import ToolCall

Kind = Literal["look", "edit", "check", "other"]

_LOOKS: Final = frozenset(
    ("cat", "ls", "head", "tail", "grep", "egrep", "rg", "find", "wc", "pwd", "tree", "stat", "file", "nl", "less", "more", "cd")
)
_GIT_LOOKS: Final = frozenset({"status", "diff", "log", "show", "blame", "ls-files"})
_CHECKS: Final = re.compile(
    r"(?:python3?|uv run|poetry run) (?:-m (?:pytest|unittest)|\S*test\S*\.py|\S+\.py)|(?:py\.?test|tox|nox|ruff|mypy|flake8)\b"
    r"|(?:npm|yarn|pnpm) (?:run )?test|cargo (?:test|check)|go (?:test|vet)|make (?:test|check)|ctest|mvn (?:-q )?test"
)
_EDITS: Final = frozenset({"patch", "tee", "mv", "cp", "rm", "mkdir", "touch", "rmdir", "ln", "chmod", "truncate"})
_GIT_EDITS: Final = frozenset({"apply", "checkout", "restore", "reset", "stash", "revert", "rm", "mv"})
_WRITES: Final = re.compile(r"(?<![<&\d>-])>{1,2}(?![&>])\s*(?!/dev/null)\S")
_WRAPPED: Final = re.compile(r"(?:bash|sh) -l?c (?P<quote>['\"])(?P<inner>[^'\"]*)(?P=quote)\Z")
_PARTS: Final = re.compile(r"\s*(?:&&|\|\||;|\n)\s*")

_EDITOR: Final = {
    "view": "look",
    "create": "edit",
    "str_replace": "edit",
    "insert": "edit",
    "undo_edit": "edit",
    "read": "look",
    "write": "edit",
}
_TOOLS: Final = {
    "read_file": "look",
    "list_files": "look",
    "search_files": "look",
    "write_to_file": "edit",
    "replace_in_file": "edit",
}
_WEIGHT: Final = {"look": 0, "check": 1, "edit": 2, "other": 3}


def kind_of(call: ToolCall) -> Kind:
    """Say what a call does, by its `command`: a word of an editor, or a command line."""
    command = call.arguments.get("command") if not isinstance(call.arguments, str) else None
    if not isinstance(command, str):
        return _known(_TOOLS.get(call.name, "other"))
    if command in _EDITOR and len(call.arguments) > 1:
        return _known(_EDITOR[command])
    return kind_of_command(command)


def kind_of_command(command: str) -> Kind:
    """Say what a command line does: of several commands the weightiest counts. One that writes a file edits, whatever it is."""
    if found := _WRAPPED.match(command):
        return kind_of_command(found["inner"])
    if "<<" in command or (_WRITES.search(command) and not command.startswith("git diff ")):  # a patch copies what is there
        return "edit"
    kinds = [_kind_of_words(part.split()) for part in _PARTS.split(command.strip()) if part]
    return _known(max(kinds, key=lambda each: _WEIGHT[each], default="other"))


def _kind_of_words(words: list[str]) -> Kind:
    """Judge one command, pipe and all: a pipe into `head` or `grep` changes nothing about what is done."""
    while words and "=" in words[0]:
        words = words[1:]
    first = words[0] if words else ""
    if _CHECKS.match(" ".join(words[:4])):
        return "check"
    if first == "sed":
        return "edit" if any(word.startswith("-") and "i" in word for word in words[1:]) else "look"
    if first == "git":
        second = words[1] if len(words) > 1 else ""
        return "look" if second in _GIT_LOOKS else "edit" if second in _GIT_EDITS else "other"
    if first == "find" and not {"-delete", "-exec", "-execdir", "-ok"}.isdisjoint(words):
        return "other"
    return "look" if first in _LOOKS else "edit" if first in _EDITS else "other"


def _known(kind: str) -> Kind:
    return "look" if kind == "look" else "edit" if kind == "edit" else "check" if kind == "check" else "other"
