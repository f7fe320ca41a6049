"""SWE-agent's tools: which ones a prompt offers, and the command line that each call of one is.

In the command documentation of its text modes a tool looks so:

    submit:
      docstring: submits the current file
      signature: submit

Source: SWE-agent 1.1.0, `tools/utils.py` (documentation), `tools/parsing.py`, `tools/edit_anthropic/config.yaml` (command lines).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from shlex import quote

from adapters.base import Unwritable
from adapters.clients.shell_text import encoded, sayable
from rules.conversation import Arguments, Json, ToolCall, Tools, ToolSpec

_DOCUMENTED = re.compile(r"^(?P<name>[a-zA-Z_][\w-]{0,80}):\n  (?:docstring|signature): ", re.MULTILINE)

_DOCUMENTS = (":\n  docstring: ", ":\n  signature: ")

_TEXT: Json = {"type": "string"}
BASH = ToolSpec(
    "bash", "Run a command in the bash session.", {"type": "object", "properties": {"command": _TEXT}, "required": ["command"]}
)
EDITOR = ToolSpec(
    "str_replace_editor",
    "View, create and edit files. `path` is absolute. `old_str` must occur exactly once; `new_str` takes its place, or is "
    "inserted behind the line `insert_line`; `view_range` is the first and the last line, -1 for the end.",
    {
        "type": "object",
        "properties": {
            "command": {"type": "string", "enum": ["view", "create", "str_replace", "insert", "undo_edit"]},
            "path": _TEXT,
            "file_text": _TEXT,
            "old_str": _TEXT,
            "new_str": _TEXT,
            "insert_line": {"type": "integer"},
            "view_range": {"type": "array", "items": {"type": "integer"}},
        },
        "required": ["command", "path"],
    },
)
SUBMIT = ToolSpec("submit", "Submit the changes.", {"type": "object", "properties": {}})
TOOLS: Tools = (BASH, EDITOR, SUBMIT)
"""What SWE-agent 1.1.0 offers unless it is configured otherwise."""


def documented(text: str) -> frozenset[str]:
    """Return the names of the tools that a prompt documents."""
    if not any(each in text for each in _DOCUMENTS):  # most texts: at the speed of a search, not of a pattern
        return frozenset()
    return frozenset(found["name"] for found in _DOCUMENTED.finditer(text))


def offered(text: str) -> Tools:
    """Return the tools that may be called: those that the prompt documents, or the usual ones where it documents none.

    Others that it documents are commands of its shell, to be run by `bash`.
    """
    names = documented(text)
    return tuple(tool for tool in TOOLS if tool.name in names or tool is BASH or not names)


def command_of(call: ToolCall) -> str:
    """Return the command line that a call is. Raises Unwritable for what is none."""
    arguments = call.arguments
    if isinstance(arguments, str):
        raise Unwritable("Its arguments could not be read.")
    if call.name == SUBMIT.name:
        return SUBMIT.name
    if call.name == EDITOR.name:
        return sayable(" ".join(_words(arguments.get("command"), arguments.get("path"), dict(arguments))))
    command = arguments.get("command")
    if call.name != BASH.name or not isinstance(command, str):
        raise Unwritable("It is no command here. Give a command to bash.")
    return sayable(command)


def named(command: str) -> tuple[str, Arguments]:
    """Return the tool that a command line calls: `submit`, or the shell."""
    return ("submit", {}) if command == "submit" else ("bash", {"command": command})


def _words(command: Json, path: Json, arguments: dict[str, Json]) -> Iterator[str]:
    """Yield the words of the editor's command line. With `=` a value may begin with a dash, which SWE-agent's own must not."""
    if not isinstance(command, str) or not isinstance(path, str):
        raise Unwritable("It needs a command and a path.")
    yield from (EDITOR.name, quote(command), quote(path))
    for name, value in arguments.items():
        if name in ("command", "path") or value is None:
            continue
        if isinstance(value, list):
            yield from (f"--{name}", *(quote(str(each)) for each in value))
        else:
            yield f"--{name}={quote(str(value))}"


def reroute(command: str) -> str:
    """Write a command that a format cannot carry as one that it can.

    SWE-agent itself makes a here-document of a command that ends in a line of its own (`edit 1:2`, text, `end_of_edit`). It will
    not see the one inside, so it is made here.
    """
    *lines, last = command.split("\n")
    end = last.strip()
    name = end.removeprefix("end_of_")
    at = next((at for at, line in enumerate(lines) if line.split()[:1] == [name]), None)
    if at is not None and end != name and "<<" not in command:
        lines[at] += f" << '{end}'"
    return encoded("\n".join([*lines, last]))
