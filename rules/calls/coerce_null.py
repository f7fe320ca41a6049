"""Null that came as text."""

from __future__ import annotations

from typing import Final

from rules.base import Example, asks, declaring, rule
from rules.conversation import Conversation, Json, Schema, Turn
from rules.kinds import SchemaLookup
from rules.mend_values import mend_values
from rules.samples import TEXT, tool

_THROTTLE: Final = tool("throttle", {"cap": {"type": ["integer", "null"]}, "note": TEXT}, "cap")
_WITHIN: Final = declaring(_THROTTLE)


@rule(
    "schema",
    Example("null for a nullable number", asks("throttle", cap="null"), asks("throttle", cap=None), _WITHIN),
    Example("Python's word", asks("throttle", cap="None"), asks("throttle", cap=None), _WITHIN),
    Example("a text", asks("throttle", cap=1, note="null"), asks("throttle", cap=1, note="null"), _WITHIN),
)
def coerce_null(turn: Turn, within: Conversation) -> Turn:
    """Turn the words null and None into null where the schema takes null and no text.

    Why: XML dialects carry every value as text.
    Safety: only where the schema allows null and no string, and the text, blanks aside, is one of the two words.
    """
    return mend_values(turn, within, _null)


def _null(value: Json, schema: Json | Schema, lookup: SchemaLookup) -> Json:
    wanted = lookup.kinds(schema)
    if isinstance(value, str) and "null" in wanted and "string" not in wanted and value.strip() in ("null", "None"):
        return None
    return value
