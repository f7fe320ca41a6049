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


def tokens_for(schema: Schema) -> int:
    """Return an upper bound that is tight for choices, numbers and booleans, and generous for all else."""
    properties = schema.get("properties")
    members = properties.values() if isinstance(properties, dict) else ()
    names = properties if isinstance(properties, dict) else {}
    return FRAME + sum(FRAME + len(name) for name in names) + sum(map(_value, members))


def _value(schema: Json) -> int:
    """Return the cost of a value. A token has at least one character, so as many characters are always enough."""
    if not isinstance(schema, Mapping):
        return FREE_TEXT
    choices = [schema["const"]] if "const" in schema else schema.get("enum")
    if isinstance(choices, list) and choices:
        return max(len(json.dumps(each, ensure_ascii=False)) for each in choices)
    types = schema.get("type")
    kinds = set(types if isinstance(types, list) else [types])
    return NUMBER if kinds and kinds <= {"integer", "number", "boolean", "null"} else FREE_TEXT
