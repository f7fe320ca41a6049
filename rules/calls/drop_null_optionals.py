"""Optional values that were given as null."""

from __future__ import annotations

from rules.base import Example, asks, rule
from rules.conversation import Conversation, Json, Schema, Turn
from rules.kinds import SchemaLookup
from rules.mend_values import mend_objects
from rules.samples import TOOLS, tool

_NULLABLE = Conversation((tool("note", {"text": {"anyOf": [{"type": "string"}, {"type": "null"}]}}),))


@rule(
    "schema",
    Example("an optional value", asks("wait", seconds=1, loudly=None), asks("wait", seconds=1), TOOLS),
    Example("a required value", asks("wait", seconds=None), asks("wait", seconds=None), TOOLS),
    Example("where null is allowed", asks("note", text=None), asks("note", text=None), _NULLABLE),
)
def drop_null_optionals(turn: Turn, within: Conversation) -> Turn:
    """Leave out an optional value that is null where the schema allows no null.

    Why: models fill in every property; `view_range: null` aborts SWE-agent's whole run.
    Safety: the property is declared and not required, and null is none of its values, so it can only mean "not given".
    """
    return mend_objects(turn, within, _without_nulls)


def _without_nulls(value: Json, schema: Json | Schema, lookup: SchemaLookup) -> Json:
    if not isinstance(value, dict) or None not in value.values():
        return value
    required = lookup.required(schema)
    empty = {
        name
        for name, each in value.items()
        if each is None and name not in required and "null" not in lookup.kinds(lookup.member(schema, name))
    }
    return {name: each for name, each in value.items() if name not in empty} if empty else value
