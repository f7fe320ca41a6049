"""The dialect of SWE-agent's `json` parser: one object that holds a thought and a call.

    {"thought": "I should see what is there.", "command": {"name": "bash", "arguments": {"command": "ls -la"}}}

It must be asked for: elsewhere such an object may be what the user wanted. Source: SWE-agent 1.1, `JsonParser`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Literal

from adapters.base import Dialect, Form, Unwritable
from adapters.models.json_blocks.hermes_json_read import read_object
from adapters.models.shell_call import call_of
from adapters.models.tool_prompt import describe_tools
from rules.conversation import Json, ToolCall, Tools

_KEYS = ('"thought"', '"command"')
_TOKEN = re.compile(r'["{}\[\]]|\\.', re.DOTALL)

_HOW = """\
To call a function, answer with one JSON object of this form, and nothing else; what you think stands in `thought`:

{example}

Escape quotes, backslashes and line breaks inside strings. Give every required parameter.
"""


class ObjectScan:
    """Finds where the object ends: at its last brace. One that begins with another key is no such object."""

    def __init__(self, tools: Tools) -> None:
        del tools
        self._held = ""
        self._begun = ""
        self._known = self._string = False
        self._depth = 0
        self._at = 0

    def feed(self, piece: str) -> int | Literal["no"] | None:
        """Take the next piece of the block."""
        if not self._known and self._strange(piece):
            return "no"
        text = self._held + piece
        slashes = len(text) - len(text.rstrip("\\"))
        self._held = "\\" if slashes % 2 else ""
        for found in _TOKEN.finditer(text, 0, len(text) - len(self._held)):
            self._take(found.group())
            if self._depth == 0:
                return self._at + found.end()
        self._at += len(text) - len(self._held)
        return None

    def finish(self) -> int | Literal["no"]:
        """Say where the block ends now that no more text comes."""
        return self._at + len(self._held) if self._known else "no"

    def _strange(self, piece: str) -> bool:
        """Tell whether the object has another first key than ours."""
        self._begun = (self._begun + piece).lstrip()
        begun = self._begun[1:].lstrip()
        self._known = begun.startswith(_KEYS)
        return not self._known and not any(key.startswith(begun) for key in _KEYS)

    def _take(self, token: str) -> None:
        if token == '"':
            self._string = not self._string
        elif not self._string and token in "{[":
            self._depth += 1
        elif not self._string and token in "}]":
            self._depth -= 1


def read(block: str, tools: Tools) -> tuple[ToolCall, ...] | None:
    """Read an object. A command that is text is for the shell; an object without a command is none of ours."""
    if '"command"' not in block:
        return None
    command = (read_object(block) or {}).get("command")
    if isinstance(command, str):
        return call_of(command, tools, whole=True)
    name = command.get("name") if isinstance(command, dict) else None
    if not isinstance(command, dict) or not isinstance(name, str):
        return (ToolCall("", "", block, whole=_closed(block)),)
    arguments = command.get("arguments")
    if arguments is None or isinstance(arguments, (str, dict)):
        return (ToolCall("", name, {} if arguments is None else arguments),)
    return (ToolCall("", name, json.dumps(arguments, ensure_ascii=False)),)


def _closed(block: str) -> bool:
    return ObjectScan(()).feed(block) is not None


def thought_of(block: str) -> str:
    """Return the thought that an object holds."""
    thought: Json = (read_object(block) or {}).get("thought")
    return thought if isinstance(thought, str) else ""


def render(calls: Sequence[ToolCall]) -> str:
    """Write calls, each in its object. What is no JSON cannot be written."""
    return "\n".join(map(_write, calls))


def _write(call: ToolCall) -> str:
    try:
        arguments = json.dumps(call.arguments, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise Unwritable("arguments that are no JSON") from error
    name = json.dumps(call.name, ensure_ascii=False)
    block = f'{{"thought": "", "command": {{"name": {name}, "arguments": {arguments}}}}}'
    if isinstance(call.arguments, str) or read(block, ()) != (ToolCall("", call.name, call.arguments),):
        raise Unwritable("a name or arguments that would not be read as they were")
    return block


THOUGHT_JSON = Dialect(
    name="thought_json",
    forms=lambda tools: (Form("{", ObjectScan, read, line_start=True, thought=thought_of),),  # noqa: ARG005 - any name counts
    render=render,
    describe=lambda tools: describe_tools(tools, _HOW, render),
    result=lambda name, text: f"OBSERVATION:\n{text}",  # noqa: ARG005 - as SWE-agent shows it
    results=("OBSERVATION:",),
    asked=True,
)
