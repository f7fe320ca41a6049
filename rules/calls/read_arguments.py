"""Arguments that came as text."""

from __future__ import annotations

from dataclasses import replace

from rules.base import Example, asks, asks_with, rule
from rules.conversation import Arguments, Conversation, ToolCall, ToolSpec, Turn
from rules.kinds import lookup_of
from rules.read_json import MAX_LAYERS, Reading, read_json
from rules.samples import TOOLS


@rule(
    "form",
    Example("single quotes", asks_with("wait", "{'seconds': 3}"), asks("wait", seconds=3), TOOLS),
    Example("encoded twice", asks_with("wait", '"{\\"seconds\\": 3}"'), asks("wait", seconds=3), TOOLS),
    Example("nothing for a tool that needs nothing", asks_with("finish", ""), asks("finish"), TOOLS),
    Example("null for a tool that needs nothing", asks_with("finish", "null"), asks("finish"), TOOLS),
    Example("a block that names no tool", asks_with("", "{'seconds': 3}"), asks_with("", "{'seconds': 3}"), TOOLS),
    Example("a list is no object", asks_with("wait", "[3]"), asks_with("wait", "[3]"), TOOLS),
    Example("a string that does not end", asks_with("wait", '{"seconds": "3'), asks_with("wait", '{"seconds": "3'), TOOLS),
)
def read_arguments(turn: Turn, within: Conversation) -> Turn:
    """Read arguments that are still text as the JSON object they are meant as.

    Why: single quotes, raw newlines and doubly encoded JSON make clients drop the turn or end the session.
    Safety: the text can only mean one object; a string that does not end, two values for one key, or text after the
        object leave it as it is. Closing brackets are supplied only to a closed call of a turn that the model ended itself.
    """
    calls = tuple(_with_object(call, turn, within) for call in turn.calls)
    return turn if calls == turn.calls else replace(turn, calls=calls)


def _with_object(call: ToolCall, turn: Turn, within: Conversation) -> ToolCall:
    if not isinstance(call.arguments, str) or not call.name.strip():  # a block without a name is refused as it is
        return call
    spec = within.tool(call.name)
    found = _object(call.arguments, spec, closed=call.whole and turn.ending == "stop")
    return call if found is None else call.having(found)


def _object(text: str, spec: ToolSpec | None, *, closed: bool) -> Arguments | None:
    for _ in range(MAX_LAYERS):
        reading = read_json(text, closed=closed)
        if not isinstance(reading, Reading):
            return {} if not text.strip() and _needs_nothing(spec) else None
        if isinstance(reading.value, dict):
            return reading.value if _is_trusted(reading, reading.value, spec) else None
        if reading.value is None:
            return {} if _needs_nothing(spec) else None
        if not isinstance(reading.value, str):
            return None
        text, closed = reading.value, False
    return None


def _needs_nothing(spec: ToolSpec | None) -> bool:
    return spec is not None and not lookup_of(spec.parameters).required(spec.parameters)


def _is_trusted(reading: Reading, members: Arguments, spec: ToolSpec | None) -> bool:
    """Say whether the members are the model's: with raw quotes about, a strange key may be the inside of a value."""
    if "raw-quotes" not in reading.mended or spec is None:
        return True
    declared = spec.parameters.get("properties")
    return not isinstance(declared, dict) or not declared or declared.keys() >= members.keys()
