"""Null that came as text."""

from __future__ import annotations

from typing import Final

from rules.base import Example, asks, declaring, rule
from rules.choices import fitting
from rules.conversation import Conversation, Json, Schema, Turn
from rules.kinds import SchemaLookup
from rules.mend_values import mend_values
from rules.read_json import unquoted
from rules.samples import TEXT, tool

_UNIT: Final[Json] = {"enum": ["second", "hour", None]}
_SCOPE: Final[Json] = {"type": ["string", "null"], "enum": ["None", "All", None]}
_THROTTLE: Final = tool("throttle", {"cap": {"type": ["integer", "null"]}, "note": TEXT, "unit": _UNIT, "scope": _SCOPE}, "cap")
_WITHIN: Final = declaring(_THROTTLE)


@rule(
    "schema",
    Example("null for a nullable number", asks("throttle", cap="null"), asks("throttle", cap=None), _WITHIN),
    Example("Python's word", asks("throttle", cap="None"), asks("throttle", cap=None), _WITHIN),
    Example("for a nullable choice", asks("throttle", cap=1, unit="null"), asks("throttle", cap=1, unit=None), _WITHIN),
    Example("encoded twice", asks("throttle", cap='"null"'), asks("throttle", cap=None), _WITHIN),
    Example("a choice between blanks", asks("throttle", cap=1, scope=" None"), asks("throttle", cap=1, scope=" None"), _WITHIN),
    Example("a text", asks("throttle", cap=1, note="null"), asks("throttle", cap=1, note="null"), _WITHIN),
)
def coerce_null(turn: Turn, within: Conversation) -> Turn:
    """Turn the words null and None into null where the schema takes null and not this text.

    Why: XML dialects carry every value as text.
    Safety: only where the schema allows null and refuses the text, which, blanks and quotes aside, is one of the two words and no
        choice in other letters.
    """
    return mend_values(turn, within, _null)


def _null(value: Json, schema: Json | Schema, lookup: SchemaLookup) -> Json:
    """Return null; `mend_values` asks only about values that the schema refuses, a string that it takes is none."""
    if not isinstance(value, str) or unquoted(value) not in ("null", "None") or "null" not in lookup.kinds(schema):
        return value
    return value if fitting(value, schema, lookup) else None
