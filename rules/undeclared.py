"""Which of a call's arguments its tool does not declare, and which declared ones they may have been meant as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rules.conversation import Schema, ToolCall, ToolSpec
from rules.kinds import lookup_of

_ELSEWHERE: Final = frozenset(
    {"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "not", "if", "patternProperties", "dependentSchemas"}
    | {"propertyNames", "unevaluatedProperties", "minProperties"}
)
"""Keywords by which a schema may speak of properties that it does not list."""


@dataclass(frozen=True, slots=True)
class Undeclared:
    """The keys of a call that its tool does not declare, and the declared ones that are not given, in their order."""

    strange: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def undeclared(call: ToolCall, spec: ToolSpec) -> Undeclared:
    """Compare a call's top-level keys with those of its schema; nothing is strange where that cannot be told.

    A call that lacks a required property has none either: that is what is wrong with it, and names the strange keys as well.
    """
    properties = _declared(spec.parameters)
    if isinstance(call.arguments, str) or not properties:
        return Undeclared()
    if lookup_of(spec.parameters).required(spec.parameters) - call.arguments.keys():
        return Undeclared()
    strange = tuple(name for name in call.arguments if name not in properties)
    return Undeclared(strange, tuple(name for name in properties if name not in call.arguments))


def _declared(schema: Schema) -> tuple[str, ...]:
    """Return the names of all properties that may be given; nothing where that cannot be told."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or schema.get("additionalProperties", False) is not False:
        return ()
    return () if _ELSEWHERE & schema.keys() else tuple(properties)
