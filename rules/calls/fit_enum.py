"""Choices written in another case, padded, quoted or with other dashes."""

from __future__ import annotations

from typing import Final

from rules.base import Example, asks, declaring, rule
from rules.choices import fitting
from rules.conversation import Conversation, Json, Schema, Turn
from rules.kinds import SchemaLookup
from rules.mend_values import mend_values
from rules.samples import TOOLS, tool

_STATUS: Final[Json] = {"oneOf": [{"const": "in_progress"}, {"const": "done"}]}
_OFFSET: Final[Json] = {"enum": ["t-1", "t-2"]}
_WITHIN: Final = declaring(tool("mark", {"status": _STATUS, "offset": _OFFSET}))


@rule(
    "schema",
    Example(
        "another case",
        asks("execute_bash", command="ls", security_risk="low"),
        asks("execute_bash", command="ls", security_risk="LOW"),
        TOOLS,
    ),
    Example(
        "padded and quoted",
        asks("execute_bash", command="ls", security_risk='\n"LOW"\n'),
        asks("execute_bash", command="ls", security_risk="LOW"),
        TOOLS,
    ),
    Example("other dashes", asks("mark", status="in-progress"), asks("mark", status="in_progress"), _WITHIN),
    Example("words run together", asks("mark", status="inProgress"), asks("mark", status="in_progress"), _WITHIN),
    Example("a dash that may be a minus", asks("mark", offset="t1"), asks("mark", offset="t1"), _WITHIN),
    Example(
        "none of them",
        asks("execute_bash", command="ls", security_risk="none"),
        asks("execute_bash", command="ls", security_risk="none"),
        TOOLS,
    ),
)
def fit_enum(turn: Turn, within: Conversation) -> Turn:
    """Spell a choice as the schema does.

    Why: OpenHands refuses `low` and a `LOW` between newlines, and throws the turn away.
    Safety: with case, blanks and quotes around it set aside, and only then dashes, underscores and blanks between two letters,
        the value is exactly one of the choices.
    """
    return mend_values(turn, within, _fitted)


def _fitted(value: Json, schema: Json | Schema, lookup: SchemaLookup) -> Json:
    found = fitting(value, schema, lookup) if isinstance(value, str) else []
    return found[0] if len(set(found)) == 1 else value
