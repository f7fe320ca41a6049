"""How SWE-agent 1.1.0 reads an answer in each mode, written anew from what it was seen to do. Part of the imitation."""

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Calls = Sequence[Mapping[str, Any]]
"""The structured calls of an answer, as they came."""


class Unreadable(ValueError):
    """The answer cannot be read: the model is asked again."""


class Aborts(Exception):
    """The answer ends the run."""


@dataclass(frozen=True, slots=True)
class Action:
    """A command line, and the id of the call that it came from."""

    command: str
    id: str = ""


def _tool(name: str, description: str, required: Sequence[str] = (), **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(required)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


_TEXT = {"type": "string"}
TOOLS = [
    _tool("bash", "runs the given command directly in bash", ["command"], command=_TEXT),
    _tool(
        "str_replace_editor",
        "views, creates and edits files (this imitation has none)",
        ["command", "path"],
        command={"type": "string", "enum": ["view", "create", "str_replace", "insert", "undo_edit"]},
        path=_TEXT,
        file_text=_TEXT,
        old_str=_TEXT,
        new_str=_TEXT,
        insert_line={"type": "integer"},
        view_range={"type": "array", "items": {"type": "integer"}},
    ),
    _tool("submit", "submits the current file"),
]
"""The tools of the default configuration. The first description and the last are SWE-agent's own, by which it is known."""

_SCHEMAS: Mapping[str, Mapping[str, Any]] = {tool["function"]["name"]: tool["function"]["parameters"] for tool in TOOLS}
_FENCE = re.compile(r"^```(\S*)\s*$", re.MULTILINE)
_FUNCTION = re.compile(r"<function=([^>]+)>\n(.*?)</function>", re.DOTALL)
_PARAMETER = re.compile(r"<parameter=([^>]+)>(.*?)</parameter>", re.DOTALL)
_ALIASES = {"execute_bash": "bash", "finish": "submit"}


def _line(name: str, arguments: Mapping[str, Any]) -> str:
    """Return the command line that a call is, if its arguments are those of the tool."""
    if not (schema := _SCHEMAS.get(name)):
        raise Unreadable(f"Command '{name}' not found in list of available commands.")
    if missing := [each for each in schema["required"] if each not in arguments]:
        raise Unreadable(f"Required argument(s) missing: {', '.join(missing)}.")
    if extra := [each for each in arguments if each not in schema["properties"]]:
        raise Unreadable(f"Unexpected argument(s): {', '.join(extra)}.")
    return str(arguments["command"]) if name == "bash" else shlex.join([name, *map(str, arguments.values())])


def function_calling(_text: str, calls: Calls) -> Action:
    """Read exactly one structured call."""
    if len(calls) != 1:
        raise Unreadable("Your output has multiple tool calls." if calls else "Your output did not use any tool calls.")
    function = calls[0]["function"]
    try:
        arguments = json.loads(function["arguments"] or "{}")
    except ValueError:
        raise Unreadable("Tool call arguments are not valid JSON.") from None
    if not isinstance(arguments, dict):
        raise Aborts(f"{type(arguments).__name__!r} object has no attribute 'keys'")
    return Action(_line(function["name"], arguments), str(calls[0]["id"]))


def thought_action(text: str, _calls: Calls) -> Action:
    """Read the last outermost fence; a fence with an info string opens, one without closes what is open."""
    opened: list[int] = []
    block = None
    for fence in _FENCE.finditer(text):
        if not opened or fence[1]:
            opened.append(fence.end() + 1)
        elif len(opened) == 1:
            block = text[opened.pop() : fence.start()]
        else:
            opened.pop()
    if block is None:
        raise Unreadable("Your output was not formatted correctly: there is no command in a fence.")
    return Action(block)


def xml_thought_action(text: str, _calls: Calls) -> Action:
    """Read what stands between the last opening and the last closing tag."""
    begin, end = text.rfind("<command>"), text.rfind("</command>")
    if min(begin, end) < 0:
        raise Unreadable("Your output was not formatted correctly.")
    return Action(text[begin + len("<command>") : end].strip())


def xml_function_calling(text: str, _calls: Calls) -> Action:
    """Read the first function; values are stripped."""
    found = _FUNCTION.search(text)
    if not found:
        raise Unreadable("Your output did not use any tool calls.")
    arguments = {name: value.strip() for name, value in _PARAMETER.findall(found[2])}
    return Action(_line(_ALIASES.get(found[1], found[1]), arguments))


def action(text: str, _calls: Calls) -> Action:
    """Read the whole answer as a command line that begins with a tool's name."""
    if (text.split() or [""])[0] not in _SCHEMAS:
        raise Unreadable("The first word in your response is not a valid command.")
    return Action(text)


def json_object(text: str, _calls: Calls) -> Action:
    """Read the whole answer as JSON. An argument that is missing ends the run."""
    try:
        data = json.loads(text)
    except ValueError:
        raise Unreadable("Your output could not be parsed as JSON.") from None
    if not isinstance(data, dict) or "thought" not in data or not isinstance(data.get("command"), dict):
        raise Unreadable("Your output needs 'thought' and 'command'.")
    name, arguments = str(data["command"].get("name")), data["command"].get("arguments") or {}
    if any(each not in arguments for each in _SCHEMAS.get(name, {}).get("properties", ())):
        raise Aborts("KeyError")
    return Action(str(arguments["command"]) if name == "bash" else shlex.join([name, *map(str, arguments.values())]))


READERS: Mapping[str, Callable[[str, Calls], Action]] = {
    "swe-function-calling": function_calling,
    "swe-thought-action": thought_action,
    "swe-backticks": thought_action,
    "swe-xml-thought-action": xml_thought_action,
    "swe-xml-function-calling": xml_function_calling,
    "swe-action": action,
    "swe-json": json_object,
}
"""The parser of each mode."""
