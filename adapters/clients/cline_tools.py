"""The tools in the system prompt of Cline and its kin, read into schemas.

    ## read_file
    Description: Read a file.
    Parameters:
    - path: (required) Where it is.
    Usage:
    <read_file>
    <path>path here</path>
    </read_file>

A parameter is text, whatever it means. Source: Cline's and Roo Code's prompts before they called tools natively.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.conversation import Json, Tools, ToolSpec

_SECTION = re.compile(r"^## (?P<name>[a-z][a-z0-9_]{0,80})\n(?=Description:)", re.MULTILINE)
_ENDS = re.compile(r"^(?:#{1,2} |====)", re.MULTILINE)
_PARAMETER = re.compile(r"^- (?P<name>[A-Za-z_]\w{0,80}): ?(?:\((?P<need>required|optional)[^)\n]*\))?", re.MULTILINE)
_NONE = ("", "none", "no parameters")


def shows_tools(system: str) -> bool:
    """Tell whether a system prompt describes tools in this way: a section, and in it the tool's own tag."""
    return any(f"\n<{name}>" in section for name, section in _sections(system))


def _sections(system: str) -> Iterator[tuple[str, str]]:
    found = list(_SECTION.finditer(system))
    starts = [each.start() for each in found[1:]] + [len(system)] * bool(found)
    for each, start in zip(found, starts, strict=True):
        yield each["name"], system[each.end() : start]


def read_tools(system: str) -> Tools:
    """Return the tools; none at all where one of them cannot be read, since nobody could then tell what may be called."""
    tools = [_tool(name, section) for name, section in _sections(system)]
    return () if None in tools else tuple(tool for tool in tools if tool is not None)


def _tool(name: str, section: str) -> ToolSpec | None:
    end = _ENDS.search(section)
    section = section[: end.start()] if end else section
    description, told, parameters = section.partition("\nParameters:")
    parameters, _, _ = parameters.partition("\nUsage:")
    properties: dict[str, Json] = {}
    required: list[Json] = []
    for each in _PARAMETER.finditer(parameters):
        properties[each["name"]] = {"type": "string"}
        if each["need"] == "required":
            required.append(each["name"])
    if not told or (not properties and parameters.strip().rstrip(".").lower() not in _NONE):
        return None
    schema: dict[str, Json] = {"type": "object", "properties": properties, "required": required}
    return ToolSpec(name, description.removeprefix("Description:").strip(), schema)
