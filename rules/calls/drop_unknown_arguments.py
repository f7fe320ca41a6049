"""Arguments that the tool does not declare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rules.base import Example, asks, rule
from rules.conversation import Conversation, Schema, ToolCall, ToolSpec, Turn
from rules.mend_values import mend_calls
from rules.samples import TOOLS

_ELSEWHERE: Final = frozenset(
    {"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "not", "if", "patternProperties", "dependentSchemas"}
    | {"propertyNames", "unevaluatedProperties", "minProperties"}
)
"""Keywords by which a schema may speak of properties that it does not list."""


@rule(
    "schema",
    Example("one too many", asks("wait", seconds=1, reason="tea"), asks("wait", seconds=1), TOOLS),
    Example("beside a missing one: perhaps it was meant", asks("wait", second=1), asks("wait", second=1), TOOLS),
    Example("a tool that declares none", asks("finish", reason="done"), asks("finish", reason="done"), TOOLS),
)
def drop_unknown_arguments(turn: Turn, within: Conversation) -> Turn:
    """Drop top-level arguments that the tool does not declare.

    Why: OpenHands and SWE-agent refuse a call with an argument too many; models add a `reason` of their own.
    Safety: the schema lists its properties and does not allow others in so many words, and no required one is missing:
        else the strange one may be the missing one, and is named to the model.
    """
    return mend_calls(turn, within, _without_unknown)


def _without_unknown(call: ToolCall, spec: ToolSpec) -> ToolCall:
    declared = _declared(spec.parameters)
    required = spec.parameters.get("required", [])
    if isinstance(call.arguments, str) or not declared or not isinstance(required, list):
        return call
    if any(name not in call.arguments for name in required):
        return call
    known = {name: value for name, value in call.arguments.items() if name in declared}
    return call.having(known) if len(known) < len(call.arguments) else call


def _declared(schema: Schema) -> frozenset[str]:
    """Return the names of all properties that may be given; nothing where that cannot be told."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or schema.get("additionalProperties", False) is not False:
        return frozenset()
    return frozenset() if _ELSEWHERE & schema.keys() else frozenset(properties)
