"""Whole numbers and booleans where a text is wanted."""

from __future__ import annotations

from rules.base import Example, asks, rule
from rules.conversation import Conversation, Json, Schema, Turn
from rules.kinds import SchemaLookup
from rules.mend_values import mend_values
from rules.samples import TOOLS
from rules.scalars import as_text


@rule(
    "schema",
    Example("a whole number", asks("execute_bash", command=94107), asks("execute_bash", command="94107"), TOOLS),
    Example(
        "a boolean for its word",
        asks("execute_bash", command="y", is_input=True),
        asks("execute_bash", command="y", is_input="true"),
        TOOLS,
    ),
    Example("a fraction", asks("execute_bash", command=3.1), asks("execute_bash", command=3.1), TOOLS),
    Example("a list", asks("execute_bash", command=["ls"]), asks("execute_bash", command=["ls"]), TOOLS),
)
def stringify_scalar(turn: Turn, within: Conversation) -> Turn:
    """Write a whole number or a boolean as text where the schema wants text.

    Why: a command given as a number ends an OpenHands session at once; a zip code loses its quotes.
    Safety: only where the schema allows none but text, and only values that JSON spells in one way: of a fraction
        it cannot be known whether 3.1 was written 3.10.
    """
    return mend_values(turn, within, _text)


def _text(value: Json, schema: Json | Schema, lookup: SchemaLookup) -> Json:
    text = as_text(value) if "string" in lookup.kinds(schema) else None
    return value if text is None else text
