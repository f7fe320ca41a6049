"""The function descriptions in OpenHands' system prompt, read back into tool schemas.

    ---- BEGIN FUNCTION #1: execute_bash ----
    Description: Execute a bash command.
    Parameters:
      (1) command (string, required): The command to execute.
      (2) is_input (string, optional): Whether it is input.
    Allowed values: [`true`, `false`]
    ---- END FUNCTION #1 ----

Source: `convert_tools_to_description` of OpenHands 0.59; V1 adds the item types of arrays, the properties of objects, and unions.
"""

from __future__ import annotations

import re

from rules.conversation import Json, Tools, ToolSpec

INTRODUCTION = "You have access to the following functions:\n\n---- BEGIN FUNCTION #1: "
_MARK = "---- BEGIN FUNCTION #"
_BEGIN = re.compile(r"---- BEGIN FUNCTION #(?P<number>\d{1,4}): (?P<name>[^\n]{1,200}?) ----\n")
_PARAMETER = re.compile(
    r"^  \((?P<number>\d+)\) (?P<name>[^\s(]+) \((?P<kind>[^()\n]+?), (?P<need>required|optional)\): ?", re.MULTILINE
)
_ALLOWED = re.compile(r"\n\s*Allowed values: \[(?P<values>.*?)\]\s*(?:\n|\Z)")
_PROPERTY = re.compile(r"^\s+- (?P<name>[^\s(]+) \((?P<kind>[^,)]+), (?P<need>required|optional)\): ?(?P<text>.*)$", re.MULTILINE)
_FORMAT_END = "</IMPORTANT>"
_KINDS = {"string", "number", "integer", "boolean", "array", "object", "null"}


def read_functions(system: str) -> tuple[str, Tools]:
    """Return the system prompt without the functions and the format instructions, and the tools they described.

    Where one of them cannot be read there are no tools at all: written anew, the prompt would lose it.
    """
    start = system.find(INTRODUCTION)
    if start < 0:
        return system, ()
    tools, end = _described(system, start)
    if len(tools) < system.count(_MARK, start):
        return system, ()
    _, _, after = system[end:].partition(_FORMAT_END)
    return f"{system[:start].rstrip()}\n{after.strip()}".strip(), tools


def _described(system: str, at: int) -> tuple[Tools, int]:
    """Read one description after the other; return the tools and where the last description ends."""
    tools: list[ToolSpec] = []
    while begin := _BEGIN.search(system, at):
        closing = f"---- END FUNCTION #{begin['number']} ----"
        end = system.find(closing, begin.end())
        if end < 0:
            break
        tool = _tool(begin["name"], system[begin.end() : end].rstrip("\n"))
        tools += [tool] if tool else []
        at = end + len(closing)
    return tuple(tools), at


def _tool(name: str, body: str) -> ToolSpec | None:
    description, _, parameters = f"\n{body}".partition("\nParameters:")
    found = list(_PARAMETER.finditer(parameters))
    before = parameters[: found[0].start()] if found else parameters
    if before.strip() or [each["number"] for each in found] != [str(number + 1) for number in range(len(found))]:
        return None
    ends = [each.start() for each in found[1:]] + [len(parameters)] * bool(found)
    properties: dict[str, Json] = {
        each["name"]: _schema(each["kind"], parameters[each.end() : end].rstrip("\n"))
        for each, end in zip(found, ends, strict=True)
    }
    required: list[Json] = [each["name"] for each in found if each["need"] == "required"]
    schema: dict[str, Json] = {"type": "object", "properties": properties, "required": required}
    return ToolSpec(name, description.strip().removeprefix("Description:").strip(), schema)


def _schema(kind: str, text: str) -> Json:
    outer, _, inner = kind.strip().partition("[")
    schema: dict[str, Json] = {"type": outer} if outer in _KINDS else {}
    allowed = _ALLOWED.search(f"{text}\n")
    if allowed:
        values: list[Json] = [value.strip().strip("`") for value in allowed["values"].split(",")]
        schema["enum"] = values
        text = f"{text}\n"[: allowed.start()]
    if inner:
        schema["items"] = _items(inner.rstrip("]"), text)
    description = re.split(r"\n\s+Array items:\n", text)[0].strip()
    return schema | {"description": description} if description else schema


def _items(kind: str, text: str) -> Json:
    item: dict[str, Json] = {"type": kind} if kind in _KINDS else {}
    found = list(_PROPERTY.finditer(text))
    if kind == "object" and found:
        item["properties"] = {each["name"]: {"type": each["kind"], "description": each["text"]} for each in found}
        item["required"] = [each["name"] for each in found if each["need"] == "required"]
    return item
