"""Optional values that were given as null."""

from __future__ import annotations

from rules.base import Example, asks, rule
from rules.conversation import Conversation, Json, Schema, Turn
from rules.kinds import SchemaLookup
from rules.mend_values import mend_objects
from rules.object_keys import keys_of
from rules.samples import TOOLS, tool

_NULLABLE = Conversation((tool("note", {"text": {"anyOf": [{"type": "string"}, {"type": "null"}]}}),))

_NULLABLE_VIEW = Conversation((tool("show", {"view": {"type": ["string", "null"]}}),))


@rule(
    "schema",
    Example("an optional value", asks("wait", seconds=1, loudly=None), asks("wait", seconds=1), TOOLS),
    Example(
        "in an object of a list",
        asks("set_todos", todos=[{"title": "x", "done": None}]),
        asks("set_todos", todos=[{"title": "x"}]),
        TOOLS,
    ),
    Example("a property that the tool does not have", asks("wait", seconds=1, unit=None), asks("wait", seconds=1), TOOLS),
    Example("perhaps meant as view, which takes null", asks("show", veiw=None), asks("show", veiw=None), _NULLABLE_VIEW),
    Example("a required value", asks("wait", seconds=None), asks("wait", seconds=None), TOOLS),
    Example("where null is allowed", asks("note", text=None), asks("note", text=None), _NULLABLE),
)
def drop_null_optionals(turn: Turn, within: Conversation) -> Turn:
    """Leave out an optional value that is null where the schema allows no null.

    Why: models fill in every property; `view_range: null` aborts SWE-agent's whole run.
    Safety: the property is declared and not required, and null is none of its values, so it can only mean "not given"; or it
        is not declared where no others are allowed, and none that is missing takes null or is required.
    """
    return mend_objects(turn, within, _without_nulls)


def _without_nulls(value: Json, schema: Json | Schema, lookup: SchemaLookup) -> Json:
    if not isinstance(value, dict) or None not in value.values():
        return value
    required, declared = lookup.required(schema), lookup.names(schema)
    nothing = {name for name in declared - required if "null" not in lookup.kinds(lookup.member(schema, name))}
    keys = keys_of(value, schema, lookup)
    if keys.other == "no" and nothing.issuperset(keys.missing):
        nothing |= set(keys.strange)
    kept = {name: each for name, each in value.items() if each is not None or name not in nothing}
    return kept if len(kept) < len(value) else value
