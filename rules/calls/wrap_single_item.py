"""One object where a list of objects is wanted."""

from __future__ import annotations

from rules.base import Example, asks, rule
from rules.conversation import Conversation, Json, Schema, Turn
from rules.kinds import SchemaLookup
from rules.mend_values import mend_values
from rules.samples import TOOLS


@rule(
    "schema",
    Example("one object", asks("set_todos", todos={"title": "tea"}), asks("set_todos", todos=[{"title": "tea"}]), TOOLS),
    Example("a list already", asks("set_todos", todos=[{"title": "tea"}]), asks("set_todos", todos=[{"title": "tea"}]), TOOLS),
    Example("a text", asks("set_todos", todos="tea"), asks("set_todos", todos="tea"), TOOLS),
)
def wrap_single_item(turn: Turn, within: Conversation) -> Turn:
    """Make a list of one object where the schema wants a list of objects.

    Why: models leave out the brackets around a single entry.
    Safety: the schema allows no object here, and its list takes nothing but objects.
    """
    return mend_values(turn, within, _wrapped)


def _wrapped(value: Json, schema: Json | Schema, lookup: SchemaLookup) -> Json:
    wanted = lookup.kinds(schema)
    takes_objects = lookup.kinds(lookup.item(schema, 0)) == {"object"}
    return [value] if isinstance(value, dict) and "array" in wanted and takes_objects else value
