"""Numbers that came as text."""

from __future__ import annotations

from rules.base import Example, asks, rule
from rules.conversation import Conversation, Json, Schema, Turn
from rules.kinds import NUMERIC, SchemaLookup
from rules.mend_values import mend_values
from rules.read_json import Reading, read_json
from rules.samples import TOOLS


@rule(
    "schema",
    Example("digits for an integer", asks("wait", seconds="30"), asks("wait", seconds=30), TOOLS),
    Example("framed by newlines", asks("wait", seconds="\n30\n"), asks("wait", seconds=30), TOOLS),
    Example("digits for a text", asks("execute_bash", command="30"), asks("execute_bash", command="30"), TOOLS),
    Example("a word", asks("wait", seconds="ten"), asks("wait", seconds="ten"), TOOLS),
    Example("no JSON number", asks("wait", seconds="007"), asks("wait", seconds="007"), TOOLS),
)
def coerce_number(turn: Turn, within: Conversation) -> Turn:
    """Turn digits into a number where the schema wants one.

    Why: XML dialects carry every value as text.
    Safety: only where the schema allows no string and the text, blanks around it aside, is exactly one JSON number.
    """
    return mend_values(turn, within, _number)


def _number(value: Json, schema: Json | Schema, lookup: SchemaLookup) -> Json:
    wanted = lookup.kinds(schema)
    if not isinstance(value, str) or "string" in wanted or wanted.isdisjoint(NUMERIC):
        return value
    reading = read_json(value.strip())
    if not isinstance(reading, Reading) or not reading.strict or isinstance(reading.value, bool):
        return value
    if isinstance(reading.value, float) and reading.value.is_integer() and "number" not in wanted:
        return int(reading.value)
    return reading.value if isinstance(reading.value, (int, float)) else value
