"""Writes calls in a dialect where they come back as they are: under the tools that the request declares.

A dialect reads its own text back before it gives it out, but it does not know the schemas. A format without types writes null
and "null" in the same characters; where the tool takes both, the text that is read back stays text. Such calls are not written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Final

from adapters.base import Dialect, Unwritable
from rules.base import repair
from rules.conversation import Conversation, Json, ToolCall, Tools, Turn
from rules.registry import RULES

_SPELLINGS: Final[tuple[Callable[[Json], str], ...]] = (lambda value: json.dumps(value, ensure_ascii=False), str)


def written(calls: Sequence[ToolCall], dialect: Dialect, tools: Tools) -> str:
    """Write the calls of one turn. Raises Unwritable for what the dialect cannot carry to a model that has these tools."""
    text = dialect.render(calls)
    for spelled in _spelled(calls):
        if _alike(spelled, text, dialect) and _mended(spelled, tools) != _mended(calls, tools):
            raise Unwritable("a value and the text that spells it are written alike")
    return text


def _spelled(calls: Sequence[ToolCall]) -> list[tuple[ToolCall, ...]]:
    """Return the calls with texts for their other values: for the whole arguments, and for what stands within them."""
    ways = [tuple(_with_texts(call, spell, deep) for call in calls) for spell in _SPELLINGS for deep in (False, True)]
    return [way for at, way in enumerate(ways) if way != tuple(calls) and way not in ways[:at]]


def _with_texts(call: ToolCall, spell: Callable[[Json], str], deep: bool) -> ToolCall:
    if isinstance(call.arguments, str):
        return call
    return call.having({name: _text(value, spell, deep) for name, value in call.arguments.items()})


def _text(value: Json, spell: Callable[[Json], str], deep: bool) -> Json:
    if isinstance(value, str):
        return value
    if deep and isinstance(value, dict):
        return {name: _text(each, spell, deep) for name, each in value.items()}
    if deep and isinstance(value, list):
        return [_text(each, spell, deep) for each in value]
    return spell(value)


def _alike(calls: Sequence[ToolCall], text: str, dialect: Dialect) -> bool:
    try:
        return dialect.render(calls) == text
    except Unwritable:
        return False


def _mended(calls: Sequence[ToolCall], tools: Tools) -> tuple[ToolCall, ...]:
    return repair(Turn("assistant", calls=tuple(calls)), Conversation(tools), RULES).turn.calls
