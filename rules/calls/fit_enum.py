"""Choices written in another case, padded or quoted."""

from __future__ import annotations

from typing import Final

from rules.base import Example, asks, rule
from rules.conversation import Conversation, Json, Schema, Turn
from rules.kinds import SchemaLookup, choices
from rules.mend_values import mend_values
from rules.samples import TOOLS

_FRAME: Final = " \t\r\n\"'`"


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
    Safety: with case, blanks and quotes around it set aside, the value is exactly one of the choices.
    """
    return mend_values(turn, within, _fitted)


def _fitted(value: Json, schema: Json | Schema, lookup: SchemaLookup) -> Json:
    if not isinstance(value, str) or len(value) > 1000:
        return value
    lists = [choices(each) for each in lookup.applying(schema, "string")]
    declared = {each for values in lists for each in values or () if isinstance(each, str)}
    fitting = [each for each in declared if _folded(each) == _folded(value)]
    return fitting[0] if len(fitting) == 1 else value


def _folded(text: str) -> str:
    return text.strip(_FRAME).casefold()
