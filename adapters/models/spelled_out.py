"""Says in words what a chat template leaves out of a tool's schema.

Gemma's template passes on a property's description, type, items, properties and required, and an enum of texts. Bounds, patterns,
formats, defaults, unions and enums of numbers never reach the model (FORMATS: vLLM's example template, and the one of the 31B
model), which then breaks rules that it was never told. So they are put into the descriptions, which do reach it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from adapters.base import Message
from rules.kept import worked_out

_PHRASES: Final[Mapping[str, str]] = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "matching the regular expression {}",
    "format": "format {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "uniqueItems": "no item twice",
    "minProperties": "at least {} keys",
    "maxProperties": "at most {} keys",
    "const": "always {}",
    "anyOf": "any of these: {}",
    "oneOf": "exactly one of these: {}",
    "allOf": "all of these: {}",
    "not": "not {}",
    "patternProperties": "keys by pattern: {}",
    "propertyNames": "key names: {}",
    "dependentRequired": "keys that need others: {}",
    "if": "if {}",
    "then": "then {}",
    "else": "else {}",
    "$ref": "as {}",
    "default": "{} if left out",
}
"""Keyword -> what is said of it, in this order."""

_LITERAL: Final = ("pattern", "format")
CHOICES = 256
"""Choices that are told: more would be a prompt of their own."""

DEPTH: Final = 16


@worked_out
def spell_out(tools: list[Message]) -> list[Message]:
    """Return tools, in the form of OpenAI's API, with every constraint that a template may leave out said in a description.

    Where there is nothing to say they are the tools given. The same tools give the same words.
    """
    spelled = [_tool(tool) for tool in tools]
    return tools if spelled == tools else spelled


def _tool(tool: Message) -> Message:
    function = tool.get("function") if isinstance(tool, dict) else None
    parameters = function.get("parameters") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(parameters, dict):
        return tool
    told = _within(parameters, DEPTH)
    changed = _said({**function, "parameters": told}, function.get("description"), _phrases(parameters, top=True))
    return tool if changed == function else {**tool, "function": changed}


def _within(schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """Say what the members of a schema are bound by."""
    changed = dict(schema)
    properties, items = schema.get("properties"), schema.get("items")
    if isinstance(properties, dict) and depth:
        changed["properties"] = {name: _schema(each, depth - 1) for name, each in properties.items()}
    if isinstance(items, dict) and depth:
        changed["items"] = _schema(items, depth - 1)
    return changed


def _schema(schema: Any, depth: int) -> Any:
    if not isinstance(schema, dict):
        return schema
    return _said(_within(schema, depth), schema.get("description"), _phrases(schema))


def _said(changed: dict[str, Any], own: Any, phrases: Iterator[str]) -> dict[str, Any]:
    """Put phrases into a description, behind what it says already."""
    words = "; ".join(phrases)
    if not words:
        return changed
    return {**changed, "description": f"{own} ({words})" if isinstance(own, str) and own else f"({words})"}


def _phrases(schema: Mapping[str, Any], *, top: bool = False) -> Iterator[str]:
    kind, choices, more = schema.get("type"), schema.get("enum"), schema.get("additionalProperties")
    if isinstance(kind, list):
        yield " or ".join(map(str, kind))
    if isinstance(choices, list) and len(choices) <= CHOICES and not all(isinstance(each, str) for each in choices):
        yield f"one of {', '.join(map(_json, choices))}"
    for keyword, phrase in _PHRASES.items():
        value = schema.get(keyword)
        if keyword in schema and (keyword, value) != ("uniqueItems", False):
            yield phrase.format(value if keyword in _LITERAL else _json(value))
    if isinstance(more, dict) and more:
        yield f"values of other keys: {_json(more)}"
    definitions = {name: schema[name] for name in ("$defs", "definitions") if schema.get(name)}
    if top and definitions:
        yield f"definitions: {_json(definitions)}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
