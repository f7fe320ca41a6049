"""How many tokens an answer of a schema may need: the cap of a constrained question."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from rules.conversation import Json, Schema

FREE_TEXT: Final = 4096
"""A text may be a whole file."""

NUMBER: Final = 24
FRAME: Final = 12
"""A member's name, quotes, colon, comma."""

MAX_DEPTH: Final = 8


def tokens_for(schema: Schema) -> int:
    """Return an upper bound that is tight for choices, numbers and booleans, and generous for all else."""
    return FRAME + _value(dict(schema), 0)


def _value(schema: Json, depth: int) -> int:
    """Return the cost of a value. A token has at least one character, so as many characters are always enough."""
    if not isinstance(schema, Mapping) or depth > MAX_DEPTH:
        return FREE_TEXT
    choices = [schema["const"]] if "const" in schema else schema.get("enum")
    if isinstance(choices, list) and choices:
        return max(len(json.dumps(each, ensure_ascii=False)) for each in choices)
    branches = schema.get("anyOf")
    if isinstance(branches, list) and branches:
        return max(_value(each, depth + 1) for each in branches)
    return _shaped(schema, depth)


def _shaped(schema: Mapping[str, Json], depth: int) -> int:
    """Return the cost of a value by its type: of an object or an array only where it cannot have more than is declared."""
    types = schema.get("type")
    kinds = {str(each) for each in (types if isinstance(types, list) else [types])}  # any JSON may stand there
    if kinds and kinds <= {"integer", "number", "boolean", "null"}:
        return NUMBER
    properties, most = schema.get("properties"), schema.get("maxItems")
    if isinstance(properties, Mapping) and kinds == {"object"} and schema.get("additionalProperties") in (False, None):
        return FRAME + sum(FRAME + len(name) + _value(each, depth + 1) for name, each in properties.items())
    if kinds == {"array"} and isinstance(most, int) and "prefixItems" not in schema:
        return FRAME + most * (FRAME + _value(schema.get("items"), depth + 1))
    return FREE_TEXT
