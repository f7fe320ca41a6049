"""Closes a relaxed schema as OpenAI's strict mode wants it: every object closed, every property required, every value typed.

Source: OpenAI's guide to structured outputs, "Supported schemas".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adapters.structured.relaxed import Unbuildable
from rules.conversation import Json, Schema

_TYPED: Final = frozenset({"type", "anyOf", "$ref"})


def closed(schema: Schema) -> dict[str, Json]:
    """Return the schema with its objects closed.

    Raises Unbuildable for a property that may be missing. It could be asked for as one that may be null, but then its value
    would be an invented one. So too for a map, for lists of a given row, and for values of any type.
    """
    made = _closed(dict(schema))
    named = schema.get("$defs")
    if isinstance(named, Mapping):
        made["$defs"] = {name: _closed(each) for name, each in named.items()}
    return made


def _closed(schema: Json) -> dict[str, Json]:
    if not isinstance(schema, Mapping) or not _TYPED & schema.keys():
        raise Unbuildable("strict mode wants a type for each value")
    made: dict[str, Json] = dict(schema)
    declared, branches = schema.get("type"), schema.get("anyOf")
    kinds = declared if isinstance(declared, list) else [declared]
    if "object" in kinds:
        made |= _object(schema)
    if "array" in kinds:
        if "prefixItems" in schema or "items" not in schema:
            raise Unbuildable("strict mode wants one schema for all items")
        made["items"] = _closed(schema["items"])
    if isinstance(branches, list):
        made["anyOf"] = [_closed(each) for each in branches]
    return made


def _object(schema: Mapping[str, Json]) -> dict[str, Json]:
    properties, required = schema.get("properties"), schema.get("required", [])
    if not isinstance(properties, Mapping) or not isinstance(required, list) or set(map(str, required)) != properties.keys():
        raise Unbuildable("strict mode wants every property, and no others")
    closed: dict[str, Json] = {name: _closed(each) for name, each in properties.items()}
    return {"properties": closed, "required": required, "additionalProperties": False}
