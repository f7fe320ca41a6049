"""Describes tools in a prompt: one line of JSON each, and an example call that is right."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from adapters.base import Unwritable
from rules.conversation import Json, Schema, ToolCall, Tools

Render: TypeAlias = Callable[[Sequence[ToolCall]], str]
"""Writes the calls of a turn."""

DEPTH = 4
_STAND_IN = ToolCall("", "function_name", {"parameter_name": "value"})
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
    """Write an example call. What the format cannot carry becomes a plain text or is left out; never raises."""
    call = example_of(tools)
    arguments = call.arguments if isinstance(call.arguments, Mapping) else {}
    carried: dict[str, Json] = {}
    for name, value in arguments.items():
        for each in (value, f"the {name}"):
            if name not in carried and _write(call.having({**carried, name: each}), render):
                carried[name] = each
    return _write(call.having(carried), render) or render((_STAND_IN,))


def _write(call: ToolCall, render: Render) -> str | None:
    try:
        return render((call,))
    except Unwritable:
        return None


def example_of(tools: Tools) -> ToolCall:
    """Make a call of the first tool with every required parameter, of the right type and from the enum."""
    tool = tools[0]
    properties = tool.parameters.get("properties")
    required = tool.parameters.get("required")
    known = properties if isinstance(properties, dict) else {}
    names = [name for name in (required if isinstance(required, list) else []) if isinstance(name, str)]
    return ToolCall("", tool.name, {name: _sample(known.get(name), name, DEPTH) for name in names or list(known)[:1]})


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
        return [_sample(items, name, depth - 1)]
    if kind in ("integer", "number") and isinstance(schema.get("minimum"), int):
        return schema["minimum"]
    return _PLAIN.get(str(kind), f"the {name}")
