"""BFCL's way to declare parameters, made JSON Schema.

Its types are those of Python, Java and JavaScript. What its authors meant is kept, what they wrote beside the point is not:
`default` is how BFCL says that a value may be null, and the choices of an array are those of its items.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TYPES: Mapping[str, str] = {
    **{name: name for name in ("string", "integer", "number", "boolean", "array", "object")},
    **{"dict": "object", "HashMap": "object"},
    **{"tuple": "array", "list": "array", "Array": "array", "ArrayList": "array"},
    **{"float": "number", "double": "number", "long": "integer"},
    **{"String": "string", "char": "string", "Boolean": "boolean"},
}
"""Declared type -> JSON type. A type that stands neither here nor below is an error: new data has to be looked at."""

UNTYPED = frozenset({"any", ""})
_KEPT = ("minimum", "maximum", "minItems", "maxItems", "format")
_NULL = (None, "null", "None")


def convert(declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of a declaration, its members' and items' with it. Raises KeyError for an unknown type."""
    schema: dict[str, Any] = {key: declared[key] for key in _KEPT if key in declared}
    if declared.get("type", "") not in UNTYPED:
        schema["type"] = TYPES[declared["type"]]
    if "properties" in declared:
        schema["properties"] = {name: convert(each) for name, each in declared["properties"].items()}
    if isinstance(declared.get("required"), list):
        schema["required"] = declared["required"]
    if "items" in declared:
        schema["items"] = convert(declared["items"])
    return _nullable(_choosing(schema, declared), declared)


def _choosing(schema: dict[str, Any], declared: Mapping[str, Any]) -> dict[str, Any]:
    """Add the choices. A default that is none of them is one more, for the call without the argument means just that."""
    choices = declared.get("enum")
    if not choices:
        return schema
    if schema.get("type") == "array" and not any(isinstance(each, list) for each in choices):
        return schema | {"items": schema.get("items", {}) | {"enum": choices}}
    default = declared.get("default")
    more = [default] if type(default) is type(choices[0]) and default not in choices else []
    return schema | {"enum": [*choices, *more]}


def _nullable(schema: dict[str, Any], declared: Mapping[str, Any]) -> dict[str, Any]:
    """Admit null where it is the default, or where the default is its name and no text is wanted."""
    names = _NULL[:1] if schema.get("type") == "string" else _NULL
    if "type" not in schema or "default" not in declared or declared["default"] not in names:
        return schema
    more = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return schema | more | {"type": [schema["type"], "null"]}
