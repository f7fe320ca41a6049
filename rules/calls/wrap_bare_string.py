"""A bare string for a tool that needs exactly one."""

from __future__ import annotations

from dataclasses import replace

from rules.base import Example, asks, asks_with, rule
from rules.conversation import Conversation, ToolCall, ToolSpec, Turn
from rules.kinds import choices, lookup_of
from rules.read_json import Reading, read_json
from rules.samples import TOOLS


@rule(
    "guess",
    Example("a command alone", asks_with("execute_bash", '"ls -la"'), asks("execute_bash", command="ls -la"), TOOLS),
    Example("text that is no JSON string", asks_with("execute_bash", "ls -la"), asks_with("execute_bash", "ls -la"), TOOLS),
    Example(
        "a tool that needs two values",
        asks_with("str_replace_editor", '"view"'),
        asks_with("str_replace_editor", '"view"'),
        TOOLS,
    ),
)
def wrap_bare_string(turn: Turn, within: Conversation) -> Turn:
    """Give a string that came in place of the arguments to the one property that the tool requires.

    Why: `"ls -la"` for a shell tool aborts SWE-agent's whole run.
    Safety: the text is one strict JSON string that does not look like JSON itself, and the tool requires exactly one
        property, a free string. That this property was meant is a guess, if the only one there is.
    """
    calls = tuple(_wrapped(call, within.tool(call.name)) for call in turn.calls)
    return turn if calls == turn.calls else replace(turn, calls=calls)


def _wrapped(call: ToolCall, spec: ToolSpec | None) -> ToolCall:
    if not isinstance(call.arguments, str) or spec is None:
        return call
    reading = read_json(call.arguments)
    name = _only_string(spec)
    if name is None or not isinstance(reading, Reading) or not reading.strict or not isinstance(reading.value, str):
        return call
    looks_like_json = reading.value.lstrip()[:1] in ("{", "[", '"', "")
    return call if looks_like_json else call.having({name: reading.value})


def _only_string(spec: ToolSpec) -> str | None:
    lookup = lookup_of(spec.parameters)
    required = lookup.required(spec.parameters)
    if len(required) != 1:
        return None
    (name,) = required
    member = lookup.member(spec.parameters, name)
    return name if lookup.kinds(member) == {"string"} and choices(member) is None else None
