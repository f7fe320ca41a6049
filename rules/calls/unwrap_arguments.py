"""Arguments inside one more object than was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rules.base import Example, asks, rule
from rules.conversation import Arguments, Conversation, Json, ToolCall, ToolSpec, Turn
from rules.mend_values import mend_calls
from rules.read_json import Reading, read_json
from rules.samples import TOOLS, tool

WRAPPERS: Final = frozenset({"arguments", "parameters", "input"})

_TAKES_INPUT = Conversation((tool("feed", {"input": {"type": "object"}}),))


@rule(
    "form",
    Example("an object", asks("wait", arguments={"seconds": 3}), asks("wait", seconds=3), TOOLS),
    Example("its JSON text", asks("wait", parameters='{"seconds": 3}'), asks("wait", seconds=3), TOOLS),
    Example("nothing inside", asks("finish", arguments={}), asks("finish"), TOOLS),
    Example("a declared property", asks("feed", input={"a": 1}), asks("feed", input={"a": 1}), _TAKES_INPUT),
    Example("nothing of the tool's inside", asks("wait", input={"x": 3}), asks("wait", input={"x": 3}), TOOLS),
)
def unwrap_arguments(turn: Turn, within: Conversation) -> Turn:
    """Take arguments out of an `arguments`, `parameters` or `input` that is their only key.

    Why: models copy the frame of the call into its arguments; `<parameter=arguments>{...}` is common with Qwen.
    Safety: the tool declares no property of that name, and the object inside has one that it does declare, or is empty.
    """
    return mend_calls(turn, within, _unwrapped)


def _unwrapped(call: ToolCall, spec: ToolSpec) -> ToolCall:
    if isinstance(call.arguments, str) or len(call.arguments) != 1:
        return call
    ((key, value),) = call.arguments.items()
    declared = spec.parameters.get("properties", {})
    if key not in WRAPPERS or not isinstance(declared, Mapping) or key in declared:
        return call
    inside = _object(value)
    fits = inside is not None and (not inside or not declared.keys().isdisjoint(inside))
    return call.having(inside) if inside is not None and fits else call


def _object(value: Json) -> Arguments | None:
    if isinstance(value, str):
        reading = read_json(value)
        value = reading.value if isinstance(reading, Reading) and "raw-quotes" not in reading.mended else None
    return value if isinstance(value, dict) else None
