"""What a JSON Schema says of a value's type: the kinds it may have, and which parts of the schema speak about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

from rules.conversation import Json, Schema

Kind = Literal["null", "boolean", "integer", "number", "string", "array", "object"]
Kinds: TypeAlias = frozenset[Kind]

ALL: Final[Kinds] = frozenset(get_args(Kind))
NUMERIC: Final[Kinds] = frozenset({"integer", "number"})

MAX_VISITS: Final = 400
"""Subschemas looked at for one question; beyond that nothing is known, and nothing is mended."""


@dataclass(slots=True)
class Visits:
    """How much of a schema one question has looked at, and the references it is inside of."""

    root: Schema
    left: int = MAX_VISITS
    inside: set[str] = field(default_factory=set)


def kind_of(value: Json) -> Kind:
    """Return the kind of a value; a float without a fraction is an integer, as JSON Schema has it."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def kinds(schema: Json | Schema, root: Schema, visits: Visits | None = None) -> Kinds:
    """Return the kinds of values a schema may accept: `number` always with `integer`. All of them where it cannot be told."""
    visits = visits or Visits(root)
    visits.left -= 1
    if not isinstance(schema, Mapping) or visits.left < 0:
        return frozenset() if schema is False else ALL
    found = _typed(schema) & _valued(schema)
    for part in _always(schema, visits):
        found &= _referred(part, root, visits)
    for keyword in ("anyOf", "oneOf"):
        branches = schema.get(keyword)
        if isinstance(branches, list) and branches:
            found &= frozenset().union(*(kinds(branch, root, visits) for branch in branches))
    return found


def _typed(schema: Schema) -> Kinds:
    declared = schema.get("type")
    names = declared if isinstance(declared, list) else [declared]
    known = {kind for kind in ALL if kind in names}
    if not known:
        return ALL
    if "number" in known:
        known.add("integer")
    if schema.get("nullable") is True:  # OpenAPI 3.0
        known.add("null")
    return frozenset(known)


def _valued(schema: Schema) -> Kinds:
    values = choices(schema)
    return ALL if values is None else frozenset(kind_of(value) for value in values)


MANY = 2_000
"""Choices up to which a value is mended by them; whether it is one of more is judged all the same."""


def choices(schema: Json | Schema) -> list[Json] | None:
    """Return the values that `enum` or `const` allow; None: any, or more than anybody chooses from."""
    if not isinstance(schema, Mapping):
        return None
    if "const" in schema:
        return [schema["const"]]
    values = schema.get("enum")
    return values if isinstance(values, list) and len(values) <= MANY else None


def _always(schema: Schema, visits: Visits) -> Iterator[Json]:
    """Yield what must hold besides the schema's own keywords."""
    if isinstance(schema.get("$ref"), str) and schema["$ref"] not in visits.inside:
        yield {"$ref": schema["$ref"]}
    every = schema.get("allOf")
    yield from every if isinstance(every, list) else []


def _referred(part: Json, root: Schema, visits: Visits) -> Kinds:
    if not (isinstance(part, Mapping) and len(part) == 1 and isinstance(part.get("$ref"), str)):
        return kinds(part, root, visits)
    pointer = str(part["$ref"])
    visits.inside.add(pointer)
    found = kinds(resolve(pointer, root), root, visits)
    visits.inside.discard(pointer)
    return found


def resolve(pointer: str, root: Schema) -> Json | Schema:
    """Return what `#` or `#/...` points at within this schema; True, which says nothing, for anything else (`#anchor`)."""
    at: Json | Schema = root
    if pointer != "#" and not pointer.startswith("#/"):
        return True
    for step in pointer[1:].split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(at, Mapping) and key in at:
            at = at[key]
        elif isinstance(at, list) and key.isdecimal() and len(key) < 6 and int(key) < len(at):
            at = at[int(key)]
        else:
            return True
    return at


def applying(schema: Json | Schema, root: Schema, kind: Kind, visits: Visits | None = None) -> list[Schema]:
    """Return every schema that speaks about a value of this kind: itself, what it refers to, and an only matching branch."""
    visits = visits or Visits(root)
    visits.left -= 1
    if not isinstance(schema, Mapping) or visits.left < 0:
        return []
    found: list[Schema] = [schema]
    for part in _always(schema, visits):
        pointer = part.get("$ref") if isinstance(part, Mapping) and len(part) == 1 else None
        if isinstance(pointer, str):
            visits.inside.add(pointer)  # for good: what it says is said once
            found += applying(resolve(pointer, root), root, kind, visits)
        else:
            found += applying(part, root, kind, visits)
    for keyword in ("anyOf", "oneOf"):
        branches = schema.get(keyword)
        fitting = [each for each in branches if kind in kinds(each, root, visits)] if isinstance(branches, list) else []
        if len(fitting) == 1:
            found += applying(fitting[0], root, kind, visits)
    return found


def only_choices(schema: Json | Schema, root: Schema, kind: Kind, visits: Visits | None = None) -> list[Json] | None:
    """Return the values of a kind that a schema allows, where it counts them; None: any.

    Branches that each name their values (`oneOf` with `const`, one by one) count as one list.
    """
    visits = visits or Visits(root)
    visits.left -= 1
    if not isinstance(schema, Mapping) or visits.left < 0:
        return None
    lists = [choices(schema)]
    for part in _always(schema, visits):
        pointer = part.get("$ref") if isinstance(part, Mapping) and len(part) == 1 else None
        if isinstance(pointer, str):
            visits.inside.add(pointer)
            lists.append(only_choices(resolve(pointer, root), root, kind, visits))
            visits.inside.discard(pointer)
        else:
            lists.append(only_choices(part, root, kind, visits))
    lists += [_any_of(schema.get(keyword), root, kind, visits) for keyword in ("anyOf", "oneOf")]
    known = [[each for each in values if kind_of(each) == kind] for values in lists if values is not None]
    return [value for value in known[0] if all(among(value, values) for values in known[1:])] if known else None


def _any_of(branches: Json, root: Schema, kind: Kind, visits: Visits) -> list[Json] | None:
    if not isinstance(branches, list) or not branches:
        return None
    lists = [only_choices(each, root, kind, visits) for each in branches if kind in kinds(each, root, visits)]
    return None if None in lists or not lists else [value for values in lists for value in values or ()]


def among(value: Json, values: list[Json]) -> bool:
    """Say whether a value is one of these; unlike `in`, it tells true from 1."""
    return any(value == each and isinstance(value, bool) == isinstance(each, bool) for each in values)


def branches(schema: Json | Schema, root: Schema, kind: Kind) -> list[Json]:
    """Return the branches of which any may speak about a value of this kind; nothing where one does for sure, or none can."""
    found: list[Json] = []
    for part in applying(schema, root, kind):
        for keyword in ("anyOf", "oneOf"):
            several = part.get(keyword)
            fitting = [each for each in several if kind in kinds(each, root)] if isinstance(several, list) else []
            found += fitting if len(fitting) > 1 else []
    return found
