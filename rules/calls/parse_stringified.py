"""Lists and objects that came as text."""

from __future__ import annotations

import re
from typing import Final

from rules.base import Example, asks, rule
from rules.choices import fitting
from rules.conversation import Conversation, Json, Schema, Turn
from rules.kinds import NUMERIC, SchemaLookup
from rules.mend_values import mend_values
from rules.read_json import Reading, read_json, unquoted
from rules.samples import TOOLS

_NUMBERS: Final = re.compile(r"\s*+[-0-9][-+0-9.eE]*+(?:\s*+,\s++[-0-9][-+0-9.eE]*+)++\s*+")
"""Numbers in a row, with a blank behind each comma: `1,500` may be one number."""

_TODO = {"title": "tea", "done": False}


@rule(
    "schema",
    Example("a list", asks("set_todos", todos="[{'title': 'tea'}]"), asks("set_todos", todos=[{"title": "tea"}]), TOOLS),
    Example(
        "encoded twice",
        asks("set_todos", todos='"[{\\"title\\": \\"tea\\"}]"'),
        asks("set_todos", todos=[{"title": "tea"}]),
        TOOLS,
    ),
    Example("inside a list", asks("set_todos", todos=['{"title": "tea"}']), asks("set_todos", todos=[{"title": "tea"}]), TOOLS),
    Example(
        "numbers without brackets",
        asks("str_replace_editor", command="view", path="/a", view_range="1, 40"),
        asks("str_replace_editor", command="view", path="/a", view_range=[1, 40]),
        TOOLS,
    ),
    Example(
        "one number, or two",
        asks("str_replace_editor", command="view", path="/a", view_range="1,500"),
        asks("str_replace_editor", command="view", path="/a", view_range="1,500"),
        TOOLS,
    ),
    Example(
        "two numbers in brackets",
        asks("str_replace_editor", command="view", path="/a", view_range="[1,500]"),
        asks("str_replace_editor", command="view", path="/a", view_range=[1, 500]),
        TOOLS,
    ),
    Example(
        "one object of a list", asks("set_todos", todos='{"title": "tea"}'), asks("set_todos", todos=[{"title": "tea"}]), TOOLS
    ),
    Example("text that is meant as text", asks("execute_bash", command="[1]"), asks("execute_bash", command="[1]"), TOOLS),
    Example("text that ends too soon", asks("set_todos", todos='[{"title": "t'), asks("set_todos", todos='[{"title": "t'), TOOLS),
)
def parse_stringified(turn: Turn, within: Conversation) -> Turn:
    """Read a list or an object from its text where the schema wants one.

    Why: XML dialects carry every value as text, and models encode nested values once too often.
    Safety: only where the schema refuses the text, which reads as a value of a kind that it takes, and is no choice in other
        letters. A value that is right as text stays text.
    """
    return mend_values(turn, within, _parsed)


def _parsed(value: Json, schema: Json | Schema, lookup: SchemaLookup) -> Json:
    wanted = lookup.kinds(schema)
    if not isinstance(value, str) or wanted.isdisjoint({"array", "object"}) or fitting(value, schema, lookup):
        return value
    item = lookup.kinds(lookup.item(schema, 0))
    text = unquoted(value)
    reading = read_json(f"[{text}]" if "array" in wanted and item <= NUMERIC and _NUMBERS.fullmatch(text) else text)
    if not isinstance(reading, Reading) or "raw-quotes" in reading.mended:
        return value
    if isinstance(reading.value, dict) and "object" not in wanted and item == {"object"}:
        return [reading.value]
    return reading.value if isinstance(reading.value, (dict, list)) else value
