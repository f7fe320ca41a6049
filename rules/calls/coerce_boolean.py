"""True and false that came as text."""

from __future__ import annotations

from typing import Final

from rules.base import Example, asks, rule
from rules.choices import fitting
from rules.conversation import Conversation, Json, Schema, Turn
from rules.kinds import SchemaLookup
from rules.mend_values import mend_values
from rules.read_json import unquoted
from rules.samples import TOOLS

_TRUTH: Final = {"true": True, "false": False}


@rule(
    "schema",
    Example("Python's word", asks("wait", seconds=1, loudly="True"), asks("wait", seconds=1, loudly=True), TOOLS),
    Example("framed by newlines", asks("wait", seconds=1, loudly="\nfalse\n"), asks("wait", seconds=1, loudly=False), TOOLS),
    Example("encoded twice", asks("wait", seconds=1, loudly='"true"'), asks("wait", seconds=1, loudly=True), TOOLS),
    Example("another word", asks("wait", seconds=1, loudly="yes"), asks("wait", seconds=1, loudly="yes"), TOOLS),
    Example("a text", asks("execute_bash", command="true"), asks("execute_bash", command="true"), TOOLS),
)
def coerce_boolean(turn: Turn, within: Conversation) -> Turn:
    """Turn the words true and false into booleans where the schema wants one.

    Why: XML dialects carry every value as text, and models write Python's True.
    Safety: only where the schema takes a boolean and refuses the text, which, blanks, quotes and case aside, is one of the two
        words and no choice in other letters.
    """
    return mend_values(turn, within, _boolean)


def _boolean(value: Json, schema: Json | Schema, lookup: SchemaLookup) -> Json:
    if not isinstance(value, str) or "boolean" not in lookup.kinds(schema) or fitting(value, schema, lookup):
        return value
    return _TRUTH.get(unquoted(value).lower(), value)
