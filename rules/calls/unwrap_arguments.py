"""Arguments inside one more object than was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rules.base import Example, asks, asks_with, rule
from rules.conversation import Arguments, Conversation, Json, ToolCall, ToolSpec, Turn
from rules.kinds import lookup_of
from rules.members import names_of
from rules.mend_values import mend_calls
from rules.read_json import MAX_LAYERS, Reading, read_json
from rules.samples import TOOLS, tool
from rules.spelling import squeezed

WRAPPERS: Final = frozenset({"arguments", "parameters", "input", "args", "kwargs", "params", "tool_input", "action_input"})
"""Keys under which calls, here or elsewhere, hold their arguments."""

_NAMES: Final = frozenset({"name", "tool", "function", "tool_name", "function_name", "action"})
"""Keys under which calls name their tool."""

_TAKES_INPUT = Conversation((tool("feed", {"input": {"type": "object"}}),))
_NAMED: Final[Arguments] = {"name": "wait", "arguments": {"seconds": 3}}


@rule(
    "form",
    Example("an object", asks("wait", arguments={"seconds": 3}), asks("wait", seconds=3), TOOLS),
    Example("its JSON text", asks("wait", parameters='{"seconds": 3}'), asks("wait", seconds=3), TOOLS),
    Example("under the tool's name", asks("wait", wait={"seconds": 3}), asks("wait", seconds=3), TOOLS),
    Example("the whole call", asks_with("wait", _NAMED), asks("wait", seconds=3), TOOLS),
    Example("twice", asks("wait", input={"kwargs": {"seconds": 3}}), asks("wait", seconds=3), TOOLS),
    Example("alone in a list", asks_with("wait", '[{"seconds": 3}]'), asks("wait", seconds=3), TOOLS),
    Example("nothing inside", asks("finish", arguments={}), asks("finish"), TOOLS),
    Example("a declared property", asks("feed", input={"a": 1}), asks("feed", input={"a": 1}), _TAKES_INPUT),
    Example("nothing of the tool's inside", asks("wait", input={"x": 3}), asks("wait", input={"x": 3}), TOOLS),
    Example("the call of another tool", asks_with("finish", _NAMED), asks_with("finish", _NAMED), TOOLS),
)
def unwrap_arguments(turn: Turn, within: Conversation) -> Turn:
    """Take arguments out of an `arguments`, `input` or the like, the tool's own name, or a list, that holds nothing else.

    Why: models copy the frame of the call into its arguments; `<parameter=arguments>{...}` is common with Qwen.
    Safety: the tool declares no property of that name, and the object inside has one that it does declare, or is empty. Beside
        it may stand only this tool's name.
    """
    return mend_calls(turn, within, _unwrapped)


def _unwrapped(call: ToolCall, spec: ToolSpec) -> ToolCall:
    lookup = lookup_of(spec.parameters)
    declared = names_of(lookup.applying(spec.parameters, "object"))
    found: Arguments | None = None
    given = _listed(call.arguments) if isinstance(call.arguments, str) else call.arguments
    layers = 0
    if isinstance(call.arguments, str):
        found = given
    while given is not None and layers < MAX_LAYERS:
        given, layers = _inside(given, spec.name, declared), layers + 1
        found = found if given is None else given
    return call if found is None or not _fits(found, declared) else call.having(found)


def _listed(text: str) -> Arguments | None:
    """Return the object that is alone in a list."""
    reading = read_json(text) if text.lstrip()[:1] == "[" else None
    value = reading.value if isinstance(reading, Reading) and "raw-quotes" not in reading.mended else None
    only = value[0] if isinstance(value, list) and len(value) == 1 else None
    return only if isinstance(only, dict) else None


def _inside(members: Arguments, tool_name: str, declared: frozenset[str]) -> Arguments | None:
    """Return what is inside a wrapper; None where there is none."""
    if not members or not declared.isdisjoint(members):
        return None
    named = {key for key in members if key in _NAMES and isinstance(members[key], str)}
    left = members.keys() - named
    if len(left) != 1 or any(squeezed(str(members[key])) != squeezed(tool_name) for key in named):
        return None
    (key,) = left
    return _object(members[key]) if key in WRAPPERS or squeezed(key) == squeezed(tool_name) else None


def _object(value: Json) -> Arguments | None:
    if isinstance(value, str):
        reading = read_json(value)
        value = reading.value if isinstance(reading, Reading) and "raw-quotes" not in reading.mended else None
    return value if isinstance(value, dict) else None


def _fits(members: Mapping[str, Json], declared: frozenset[str]) -> bool:
    known = {squeezed(name) for name in declared}
    return not members or any(squeezed(name) in known for name in members)
