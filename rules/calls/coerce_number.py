"""Numbers that came as text."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

from rules.base import Example, asks, declaring, rule
from rules.choices import fitting
from rules.conversation import Conversation, Json, Schema, Turn
from rules.kinds import NUMERIC, SchemaLookup
from rules.mend_values import mend_values
from rules.read_json import Reading, read_json, unquoted
from rules.samples import TOOLS, tool

_LIMIT: Final = declaring(tool("limit", {"rows": {"anyOf": [{"type": "integer"}, {"const": "all"}]}}))


@rule(
    "schema",
    Example("digits for an integer", asks("wait", seconds="30"), asks("wait", seconds=30), TOOLS),
    Example("framed by newlines", asks("wait", seconds="\n30\n"), asks("wait", seconds=30), TOOLS),
    Example("encoded twice", asks("wait", seconds='"30"'), asks("wait", seconds=30), TOOLS),
    Example("digits beside a choice of words", asks("limit", rows="30"), asks("limit", rows=30), _LIMIT),
    Example("digits for a text", asks("execute_bash", command="30"), asks("execute_bash", command="30"), TOOLS),
    Example("a word", asks("wait", seconds="ten"), asks("wait", seconds="ten"), TOOLS),
    Example("exact, however large", asks("wait", seconds="9007199254740993.0"), asks("wait", seconds=9007199254740993), TOOLS),
    Example("with an exponent", asks("wait", seconds="1e30"), asks("wait", seconds=10**30), TOOLS),
    Example("a fraction for an integer", asks("wait", seconds="1.5"), asks("wait", seconds="1.5"), TOOLS),
    Example("no JSON number", asks("wait", seconds="007"), asks("wait", seconds="007"), TOOLS),
)
def coerce_number(turn: Turn, within: Conversation) -> Turn:
    """Turn digits into a number where the schema wants one.

    Why: XML dialects carry every value as text.
    Safety: only where the schema takes a number and refuses the text, which, blanks and quotes around it aside, is exactly one
        JSON number and no choice in other letters; for an integer only where its value is one, to the last digit.
    """
    return mend_values(turn, within, _number)


def _number(value: Json, schema: Json | Schema, lookup: SchemaLookup) -> Json:
    wanted = lookup.kinds(schema)
    if not isinstance(value, str) or wanted.isdisjoint(NUMERIC) or fitting(value, schema, lookup):
        return value
    text = unquoted(value)
    reading = read_json(text)
    if not isinstance(reading, Reading) or not reading.strict or isinstance(reading.value, bool):
        return value
    if isinstance(reading.value, float) and "number" not in wanted:
        whole = _exactly(text)
        return value if whole is None else whole
    return reading.value if isinstance(reading.value, (int, float)) else value


def _exactly(text: str) -> int | None:
    """Return the integer that a finite JSON number is; a float would round what has more than 15 digits."""
    try:
        number = Decimal(text)
    except InvalidOperation:  # an exponent of twenty digits
        return None
    if number.is_zero():  # whatever its exponent, which int() would write out
        return 0
    return int(number) if number == number.to_integral_value() else None
