"""Writes calls as JSON that names the tool inside, and makes sure that they are read as they were written."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TypeAlias

from adapters.base import Call, Dialect, Unwritable
from adapters.decoding import decode
from adapters.grammar import grammar
from rules.conversation import ToolCall, ToolSpec

WriteItem: TypeAlias = Callable[[int, ToolCall], str]
"""Writes one call of a turn, whose place among them is given, as a JSON value."""


def arguments_of(call: ToolCall) -> str:
    """Write the arguments of a call, as they came where that is known. Raises Unwritable where they are no JSON."""
    if isinstance(call.arguments, str):
        raise Unwritable("arguments that could not be read as an object")
    try:
        return call.written or json.dumps(call.arguments, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise Unwritable("arguments that are no JSON") from error


def as_string(text: str) -> str:
    """Write a text as a JSON string."""
    return json.dumps(text, ensure_ascii=False)


def name_and_arguments(at: int, call: ToolCall) -> str:
    """Write a call as most families do."""
    del at
    return f'{{"name": {as_string(call.name)}, "arguments": {arguments_of(call)}}}'


def name_and_parameters(at: int, call: ToolCall) -> str:
    """Write a call as Llama and InternLM do."""
    del at
    return f'{{"name": {as_string(call.name)}, "parameters": {arguments_of(call)}}}'


def checked(dialect: Dialect, text: str, calls: Sequence[ToolCall]) -> str:
    """Return the text of calls. What our own decoder would not give back as it was cannot be written."""
    tools = tuple(ToolSpec(name) for name in dict.fromkeys(call.name for call in calls))
    events = decode(text, grammar([dialect], tools))
    again = [event.call for event in events if isinstance(event, Call)]
    if [(call.name, call.arguments) for call in again] != [(call.name, call.arguments) for call in calls]:
        raise Unwritable("calls that would not be read as they were written")
    return text
