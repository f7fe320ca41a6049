"""A SIMULATION of a competent model: it plays what a good one would do, from the request alone.

It takes the tools from `tools` or from the system prompt (OpenHands' descriptions, or lines of JSON), the task from the user's words, and what it has done so far
from the results; what it fills in stands in one of these. It knows nothing of how its calls are judged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.messages import text_of
from rules.conversation import ToolCall

Tools = Mapping[str, Mapping[str, Any]]
"""Name of a tool -> its schema."""

_FUNCTION = re.compile(r"---- BEGIN FUNCTION #\d+: (\S+) ----\n(.*?)\n---- END FUNCTION", re.DOTALL)
_PARAMETER = re.compile(r"^  \(\d+\) (\S+) \((\w+), (required|optional)\):.*(?:\nAllowed values: \[(.*)\])?", re.MULTILINE)


def next_call(body: Mapping[str, Any]) -> ToolCall | None:
    """Return the call that comes next; None where there is no tool, or nothing left to do."""
    tools = tools_of(body)
    said = [each for each in body.get("messages") or [] if each["role"] != "system"]
    own = next((place for place, each in enumerate(said) if each["role"] == "assistant"), len(said))
    results = [text_of(each.get("content")) for each in said[own:] if each["role"] != "assistant"]
    task = _task(said[:own])
    steps = [sentence for sentence in re.split(r"(?<=[.?:]) ", task) if any(_named(name, sentence) for name in tools)]
    if not tools or (steps and len(results) >= len(steps)) or (not steps and results):
        return None
    words = steps[len(results)] if len(steps) > 1 else task
    name = next((name for name in tools if _named(name, words)), None) or _likeliest(tools, words)
    schema = tools[name]
    made = {key: _value(key, kind, words, task, results) for key, kind in schema.get("properties", {}).items()}
    return ToolCall("", name, {key: value for key, value in made.items() if value is not None})


def tools_of(body: Mapping[str, Any]) -> Tools:
    """Read the tools, wherever they stand."""
    if body.get("tools"):
        return {tool["function"]["name"]: tool["function"]["parameters"] for tool in body["tools"]}
    system = "".join(text_of(each.get("content")) for each in body.get("messages") or [] if each.get("role") == "system")
    lines = system.partition("<tools>\n")[2].partition("\n</tools>")[0].splitlines()
    if lines:
        return tools_of({"tools": [json.loads(line) for line in lines]})
    return {name: _schema(text) for name, text in _FUNCTION.findall(system)}


def _schema(text: str) -> Mapping[str, Any]:
    found = _PARAMETER.findall(text)
    kinds = {
        name: {"type": kind} | ({"enum": re.findall(r"`(.*?)`", allowed)} if allowed else {}) for name, kind, _, allowed in found
    }
    return {"properties": kinds, "required": [name for name, _, need, _ in found if need == "required"]}


def _task(messages: Sequence[Mapping[str, Any]]) -> str:
    first = text_of(messages[0].get("content")) if messages else ""
    return first.rpartition("Your task:")[2].partition("\n\nWrite exactly")[0].strip()


def _named(tool: str, words: str) -> bool:
    """Tell whether a tool is named: as it is declared, or, where its name is a word, as the verb that begins a clause."""
    return re.search(rf"\b{tool}\b" if "_" in tool else rf"(?:^|[:,] ){tool}\b", words) is not None


def _likeliest(tools: Tools, words: str) -> str:
    said = set(re.findall(r"\w+", words.casefold()))
    return max(tools, key=lambda name: len(said & set(name.split("_"))))


def _value(key: str, schema: Mapping[str, Any], words: str, task: str, results: Sequence[str]) -> Any:
    """Find what an argument must be: among the values that it may have, in the task, in the last result."""
    if key == "security_risk":
        return "LOW"
    if "enum" in schema:
        return next((value for value in schema["enum"] if re.search(rf"\b{value}\b", words)), None)
    if schema.get("type") == "array":
        tasks = re.findall(r"the id (\w+), is to ([\w ]+)", words)
        return [{"id": name, "title": title, "status": "todo"} for name, title in tasks] or None
    return _text(key, words, task, results[-1] if results else "")


def _text(key: str, words: str, task: str, result: str) -> str | None:
    port = re.search(r"port = (\d+)", result)
    patterns = {
        "command": r"`(.+?)`",
        "path": r"(/[\w./]+\w)",
        "city": r"\bin ([A-Z]\w+)",
        "message": r"\bcode (\S+)",
    }
    if key in ("old_text", "new_text"):
        return f"port = {int(port[1]) + (key == 'new_text')}" if port and "replace" in words else None
    where = {"path": task, "message": result}.get(key, words)
    found = re.search(patterns[key], where) if key in patterns else None
    return f"The code is {found[1]}." if found and key == "message" else found[1] if found else None
