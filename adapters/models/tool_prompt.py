"""Describes tools in a prompt: one line of JSON each, and an example call that is right."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from adapters.base import Unwritable
from rules.conversation import Json, Schema, ToolCall, Tools, ToolSpec
from rules.schema import Uncheckable, findings, is_plain_tool

Render: TypeAlias = Callable[[Sequence[ToolCall]], str]
"""Writes the calls of a turn."""

DEPTH = 4
_STAND_IN = ToolCall("", "function_name", {"parameter_name": "value"})
_FORMATS: Mapping[str, str] = {
    "date": "2025-01-31",
    "date-time": "2025-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "email": "name@example.com",
    "uri": "https://example.com/",
    "uuid": "123e4567-e89b-12d3-a456-426614174000",
    "ipv4": "192.0.2.1",
}
_PLAIN: Mapping[str, Json] = {"integer": 1, "number": 1, "boolean": True, "array": [], "object": {}, "null": None}


def describe_tools(tools: Tools, how: str, render: Render) -> str:
    """Describe tools and the form of a call, the same text for the same tools; nothing where there are none.

    how  tells the form in words, with `{example}` where a call written by `render` is to stand
    """
    if not tools:
        return ""
    return f"# Tools\n\n{list_tools(tools)}\n\n{how.replace('{example}', write_example(tools, render))}"


def list_tools(tools: Tools) -> str:
    """List tools with their whole schemas, so that no constraint is lost."""
    lines = [
        json.dumps(
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)},
            },
            ensure_ascii=False,
        )
        for tool in tools
    ]
    return "You have access to these functions:\n\n<tools>\n" + "\n".join(lines) + "\n</tools>"


def write_example(tools: Tools, render: Render) -> str:
    """Write one call that is right: of the first tool of which one can be made, with an argument if there is such a tool.

    Where no call can be made that certainly fits its schema and that the format carries, the example names no real tool.
    """
    made = [(call, text) for call in map(example_of, tools) if call and (text := _write(call, render))]
    return next((text for call, text in made if call.arguments), made[0][1] if made else render((_STAND_IN,)))


def _write(call: ToolCall, render: Render) -> str | None:
    try:
        return render((call,))
    except Unwritable:
        return None


def example_of(tool: ToolSpec) -> ToolCall | None:
    """Make a call with every required parameter, of the right type and from the enum; None where it may not fit the schema."""
    properties = tool.parameters.get("properties")
    required = tool.parameters.get("required")
    known = properties if isinstance(properties, dict) else {}
    names = [name for name in (required if isinstance(required, list) else []) if isinstance(name, str)]
    call = ToolCall("", tool.name, {name: _sample(known.get(name), name, DEPTH) for name in names or list(known)[:1]})
    try:
        return call if is_plain_tool(tool) and not findings(call, tool) else None
    except Uncheckable:
        return None


def _sample(schema: Json, name: str, depth: int) -> Json:
    if not isinstance(schema, dict) or depth == 0:
        return f"the {name}"
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    listed = schema.get("enum") or schema.get("examples")
    if isinstance(listed, list) and listed:
        return listed[0]
    for key in ("anyOf", "oneOf"):
        options = schema.get(key)
        if isinstance(options, list) and options:
            return _sample(options[0], name, depth - 1)
    return _of_type(schema, name, depth)


def _of_type(schema: Schema, name: str, depth: int) -> Json:
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    required, properties, items = schema.get("required"), schema.get("properties"), schema.get("items")
    if kind == "object" and isinstance(required, list) and isinstance(properties, dict):
        return {str(each): _sample(properties.get(str(each)), str(each), depth - 1) for each in required}
    if kind == "array" and items is not None:
        return [_sample(items, name, depth - 1)] * max(1, least if isinstance(least := schema.get("minItems"), int) else 1)
    if kind in ("integer", "number") and isinstance(schema.get("minimum"), int):
        return schema["minimum"]
    return _PLAIN.get(str(kind), _FORMATS.get(str(schema.get("format")), f"the {name}"))
