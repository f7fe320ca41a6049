"""Judge arguments by their JSON Schema: which schemas can be judged here, and what is wrong with a call."""

from __future__ import annotations

import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend, validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from rules.advice import capped, json_path, listed, quoted, shown
from rules.conversation import Json, Schema, ToolCall, ToolSpec
from rules.kept import worked_out
from rules.kinds import kind_of, kinds

__all__ = ["Finding", "Uncheckable", "findings", "is_plain", "is_plain_tool", "kinds"]

MAX_FINDINGS: Final = 10
MAX_PLAIN_SIZE: Final = 64 * 1024
MAX_PLAIN_DEPTH: Final = 64
MAX_VALIDATORS: Final = 512


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    path    a JSON path; for a missing property it is the path that the property would have
    member  the argument that it is about, itself or something inside it; empty: it is about the arguments as a whole
    """

    path: str
    keyword: str
    message: str
    member: str = ""


class Uncheckable(Exception):
    """Raised where a schema, not a call, is at fault or too costly: the call is delivered unjudged."""


_COSTLY: Final = frozenset(
    {"$ref", "$dynamicRef", "$recursiveRef", "pattern", "patternProperties", "anyOf", "oneOf", "allOf", "not", "if"}
    | {"uniqueItems", "unevaluatedProperties", "unevaluatedItems"}
)
_DATA: Final = frozenset({"enum", "const", "default", "examples", "example"})
_NAMED: Final = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
"""Keywords whose members are named by the client: a property may be called `pattern`."""


@worked_out
def is_plain_tool(tool: ToolSpec) -> bool:
    """Say whether calls of a tool can be judged within this process."""
    return is_plain(tool.parameters)


def is_plain(schema: Schema) -> bool:
    """Say whether a schema is small and simple enough to be judged within this process (HARDENING 2.4)."""
    waiting: list[tuple[Json, int]] = [(dict(schema), 1)]
    while waiting:
        part, depth = waiting.pop()
        if depth > MAX_PLAIN_DEPTH:
            return False
        if isinstance(part, list):
            waiting += [(each, depth + 1) for each in part]
        elif isinstance(part, Mapping):
            if not _COSTLY.isdisjoint(part):
                return False
            waiting += [(each, depth + 1) for each in _subschemas(part)]
    try:
        return len(json.dumps(schema)) <= MAX_PLAIN_SIZE
    except (TypeError, ValueError, RecursionError):
        return False


def _subschemas(schema: Mapping[str, Json]) -> Iterator[Json]:
    for keyword, value in schema.items():
        if keyword in _NAMED and isinstance(value, Mapping):
            yield from value.values()
        elif keyword not in _DATA:
            yield value


def findings(call: ToolCall, spec: ToolSpec) -> list[Finding]:
    """Return what is wrong with a call's arguments, at most ten things. Raises Uncheckable.

    Messages name places and rules, never values: at most 300 characters each, and the model's names only quoted.
    """
    if isinstance(call.arguments, str):
        return [Finding("$", "type", "must be an object")]
    validator = _validator(spec)
    try:
        errors = list(islice(validator.iter_errors(dict(call.arguments)), MAX_FINDINGS))
        return [_finding(error) for error in errors]
    except (OverflowError, RecursionError, Unresolvable, re.error) as error:
        raise Uncheckable(f"{type(error).__name__} while judging") from error
    except (TypeError, AttributeError, KeyError, ValueError, ArithmeticError) as error:  # what a malformed schema causes
        raise Uncheckable(f"{type(error).__name__} while judging") from error


_validators: Final[OrderedDict[str, Validator | str]] = OrderedDict()
"""By hash of the schema, least recently used first; a text is the reason why there is no validator."""


def _validator(spec: ToolSpec) -> Validator:
    found = _validator_of(spec)
    if isinstance(found, str):
        raise Uncheckable(found)
    return found


@worked_out
def _validator_of(spec: ToolSpec) -> Validator | str:
    """Return what judges a tool's calls, or why there is nothing."""
    schema = spec.parameters
    try:
        key = hashlib.sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()
    except (TypeError, ValueError, RecursionError):
        return "the schema is no JSON"
    found = _validators.pop(key, None) or _build(schema)
    _validators[key] = found
    while len(_validators) > MAX_VALIDATORS:
        _validators.popitem(last=False)
    return found


def _build(schema: Schema) -> Validator | str:
    try:
        kind = validator_for(schema, default=Draft202012Validator)
        kind.check_schema(dict(schema))
        # an empty registry: jsonschema would fetch references over http and from files
        validator: Validator = _with_nullable(kind)(dict(schema), registry=Registry())
    except SchemaError as error:
        return capped(f"the schema is malformed at {json_path(error.absolute_path)}")
    except (OverflowError, RecursionError, Unresolvable, re.error, TypeError, AttributeError, ValueError) as error:
        return f"{type(error).__name__} in the schema"
    return validator


@cache
def _with_nullable(kind: type[Validator]) -> type[Validator]:
    """Return a validator that knows OpenAPI's `nullable`, of which JSON Schema knows nothing."""
    judge = kind.VALIDATORS["type"]

    def judge_type(validator: Validator, types: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if instance is not None or schema.get("nullable") is not True:
            yield from judge(validator, types, instance, schema) or ()

    knowing: type[Validator] = extend(kind, {"type": judge_type})  # type: ignore[no-untyped-call]  # jsonschema has no types for it
    return knowing


def _finding(error: ValidationError) -> Finding:
    keyword = str(error.validator)
    steps = list(error.absolute_path)
    if keyword == "required":
        missing = _missing(error)
        place = [*steps, missing]
        return Finding(json_path(place), keyword, capped(_say_required(error, missing)), str(place[0]))
    say = _SAY.get(keyword)
    message = say(error) if say else f"must satisfy {keyword} {shown(error.validator_value)}"
    return Finding(json_path(steps), keyword, capped(message), str(steps[0]) if steps else "")


def _missing(error: ValidationError) -> str:
    """Return which property this error is about; jsonschema names it only at the start of its message."""
    names: Any = error.validator_value
    given: Any = error.instance
    return next((name for name in names if name not in given and error.message.startswith(repr(name))), "")


def _undeclared(error: ValidationError) -> list[str]:
    """Return the keys that are not among the declared properties, if any are declared."""
    schema: Any = error.schema
    given: Any = error.instance
    return [name for name in given if name not in schema.get("properties", {})]


def _say_required(error: ValidationError, missing: str) -> str:
    schema: Any = error.schema
    strange = _undeclared(error) if schema.get("properties") else []
    return f"{quoted(missing)} is required" + (f"; {listed(strange[:3])} is not declared" if strange else "")


def _say_type(error: ValidationError) -> str:
    wanted: Any = error.validator_value
    given: Any = error.instance
    names = " or ".join(str(each) for each in wanted) if isinstance(wanted, list) else str(wanted)
    return f"must be {names}, not {kind_of(given)}"


_SAY: Final[Mapping[str, Callable[[ValidationError], str]]] = {
    "type": _say_type,
    "enum": lambda error: f"must be one of {shown(error.validator_value, 200)}",
    "const": lambda error: f"must be {shown(error.validator_value, 200)}",
    "additionalProperties": lambda error: f"{listed(_undeclared(error)[:5])} is not declared",
    "anyOf": lambda error: f"matches none of {len(_branches(error))} allowed forms",
    "oneOf": lambda error: f"must match exactly one of {len(_branches(error))} allowed forms",
    "minLength": lambda error: f"must have at least {shown(error.validator_value)} characters",
    "minItems": lambda error: f"must have at least {shown(error.validator_value)} items",
    "maxItems": lambda error: f"must have at most {shown(error.validator_value)} items",
    "minimum": lambda error: f"must be at least {shown(error.validator_value)}",
    "maximum": lambda error: f"must be at most {shown(error.validator_value)}",
    "pattern": lambda error: f"must match the pattern {shown(error.validator_value)}",
}


def _branches(error: ValidationError) -> list[Any]:
    return list(error.validator_value) if isinstance(error.validator_value, list) else []
