"""Walk the arguments of calls beside their schemas, so that a rule need only say how one value is mended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from rules.conversation import Conversation, Json, Schema, ToolCall, ToolSpec, Turn
from rules.kinds import SchemaLookup, lookup_of

MAX_DEPTH: Final = 64
MAX_VALUES: Final = 1_000
"""Values looked at in one call; what lies beyond stays as it is and is only judged."""

MendCall: TypeAlias = Callable[[ToolCall, ToolSpec], ToolCall]
"""Mends one call of a declared tool; the same call where there is nothing to do."""

Mend: TypeAlias = Callable[[Json, "Json | Schema", SchemaLookup], Json]
"""Mends one value by its part of the schema; the same value where there is nothing to do."""


def mend_calls(turn: Turn, within: Conversation, mend: MendCall) -> Turn:
    """Mend every call of a declared tool."""
    calls = []
    for call in turn.calls:
        spec = within.tool(call.name)
        calls.append(call if spec is None else mend(call, spec))
    same = all(new is old for new, old in zip(calls, turn.calls, strict=True))
    return turn if same else replace(turn, calls=tuple(calls))


def mend_values(turn: Turn, within: Conversation, mend: Mend) -> Turn:
    """Mend the values whose kind or choice the schema refuses; a mended value that it refuses as well is not taken."""
    return mend_calls(turn, within, lambda call, spec: _mend_call(call, spec, mend, every=False))


def mend_objects(turn: Turn, within: Conversation, mend: Mend) -> Turn:
    """Mend any value, right or wrong, the arguments as a whole among them."""
    return mend_calls(turn, within, lambda call, spec: _mend_call(call, spec, mend, every=True))


def _mend_call(call: ToolCall, spec: ToolSpec, mend: Mend, *, every: bool) -> ToolCall:
    if isinstance(call.arguments, str):
        return call
    given: Json = call.arguments if isinstance(call.arguments, dict) else dict(call.arguments)
    mended = _Walk(lookup_of(spec.parameters), mend, every).visit(given, spec.parameters, 0)
    return call.having(mended) if isinstance(mended, dict) and mended is not given else call


@dataclass(slots=True)
class _Walk:
    lookup: SchemaLookup
    mend: Mend
    every: bool
    left: int = MAX_VALUES

    def visit(self, value: Json, schema: Json | Schema, depth: int) -> Json:
        self.left -= 1
        if depth > MAX_DEPTH or self.left < 0 or not isinstance(schema, Mapping):
            return value
        value = self._mended(value, schema)
        if isinstance(value, dict):
            schema = self.lookup.narrowed(schema, value)
            members = {name: self.visit(each, self.lookup.member(schema, name), depth + 1) for name, each in value.items()}
            return value if all(members[name] is each for name, each in value.items()) else members
        if isinstance(value, list):
            items = [self.visit(each, self.lookup.item(schema, at), depth + 1) for at, each in enumerate(value)]
            return value if all(new is old for new, old in zip(items, value, strict=True)) else items
        return value

    def _mended(self, value: Json, schema: Schema) -> Json:
        if self.every:
            within = self.lookup.narrowed(schema, value) if isinstance(value, dict) else schema
            return self.mend(value, within, self.lookup)
        if self.lookup.admits(value, schema):
            return value
        mended = self.mend(value, schema, self.lookup)
        return mended if self.lookup.admits(mended, schema) else value
