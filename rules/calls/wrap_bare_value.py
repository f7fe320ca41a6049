"""A bare value for a tool that needs exactly one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from rules.base import Example, asks, asks_with, declaring, rule
from rules.calls.unwrap_arguments import WRAPPERS
from rules.conversation import Conversation, Json, Schema, ToolCall, ToolSpec, Turn
from rules.kinds import SchemaLookup, lookup_of
from rules.members import names_of
from rules.read_json import Reading, read_json
from rules.samples import TEXT, TOOLS, tool

_LISTS: Final = declaring(
    tool("open_all", {"paths": {"type": "array", "items": TEXT}}, "paths"),
    tool("nest", {"lists": {"type": "array"}}, "lists"),
)


@rule(
    "guess",
    Example("a command alone", asks_with("execute_bash", '"ls -la"'), asks("execute_bash", command="ls -la"), TOOLS),
    Example("by its position", asks_with("execute_bash", '["ls -la"]'), asks("execute_bash", command="ls -la"), TOOLS),
    Example("a number", asks_with("wait", "30"), asks("wait", seconds=30), TOOLS),
    Example("a list", asks_with("open_all", '["/a", "/b"]'), asks("open_all", paths=["/a", "/b"]), _LISTS),
    Example("under a general name", asks("execute_bash", input="ls"), asks("execute_bash", command="ls"), TOOLS),
    Example("a list, or a list in its position", asks_with("nest", "[[1]]"), asks_with("nest", "[[1]]"), _LISTS),
    Example("text that is no JSON string", asks_with("execute_bash", "ls -la"), asks_with("execute_bash", "ls -la"), TOOLS),
    Example("another kind of value", asks_with("wait", '"ten"'), asks_with("wait", '"ten"'), TOOLS),
    Example("two values", asks_with("execute_bash", '["ls", "-la"]'), asks_with("execute_bash", '["ls", "-la"]'), TOOLS),
    Example(
        "a tool that needs two values",
        asks_with("str_replace_editor", '"view"'),
        asks_with("str_replace_editor", '"view"'),
        TOOLS,
    ),
)
def wrap_bare_value(turn: Turn, within: Conversation) -> Turn:
    """Give a value that came in place of the arguments to the one property that the tool requires.

    Why: `"ls -la"` for a shell tool aborts SWE-agent's whole run.
    Safety: the text is strict JSON, a value or a list of one, and no string that looks like JSON itself; the tool requires
        exactly one property, and exactly one of the value and what is in its list fits that. That this property was meant
        is a guess, if the only one there is.
    """
    calls = tuple(_wrapped(call, within.tool(call.name)) for call in turn.calls)
    return turn if calls == turn.calls else replace(turn, calls=calls)


def _wrapped(call: ToolCall, spec: ToolSpec | None) -> ToolCall:
    if spec is None:
        return call
    lookup = lookup_of(spec.parameters)
    required = lookup.required(spec.parameters)
    given = _bare(call.arguments, spec.parameters, lookup) if len(required) == 1 else []
    if not given:
        return call
    (name,) = required
    member = lookup.member(spec.parameters, name)
    fitting = [each for each in _meant(given[0]) if member is not True and _takes(each, member, lookup)]
    return call.having({name: fitting[0]}) if len(fitting) == 1 else call


def _bare(arguments: Mapping[str, Json] | str, schema: Schema, lookup: SchemaLookup) -> list[Json]:
    """Return the value that stands in place of arguments, in a list; an empty one where there is none."""
    if isinstance(arguments, str):
        reading = read_json(arguments)
        return [reading.value] if isinstance(reading, Reading) and reading.strict else []
    named = len(arguments) == 1 and WRAPPERS.issuperset(arguments)
    return list(arguments.values()) if named and names_of(lookup.applying(schema, "object")).isdisjoint(arguments) else []


def _meant(value: Json) -> list[Json]:
    """Return what may be meant: the value, or what is alone in a list."""
    several = [value, value[0]] if isinstance(value, list) and len(value) == 1 else [value]
    return [each for each in several if not isinstance(each, dict) and not _looks_like_json(each)]


def _looks_like_json(value: Json) -> bool:
    return isinstance(value, str) and value.lstrip()[:1] in ("{", "[", '"', "")


def _takes(value: Json, schema: Json | Schema, lookup: SchemaLookup) -> bool:
    """Say whether a property takes a value and, of a list, each item."""
    items = enumerate(value) if isinstance(value, list) else ()
    return lookup.admits(value, schema) and all(lookup.admits(each, lookup.item(schema, at)) for at, each in items)
