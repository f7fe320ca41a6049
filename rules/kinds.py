"""What a JSON Schema says of a value's type: its kinds, and the schemas of its members and items."""

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


def choices(schema: Json | Schema) -> list[Json] | None:
    """Return the values that `enum` or `const` allow; None: any."""
    if not isinstance(schema, Mapping):
        return None
    if "const" in schema:
        return [schema["const"]]
    values = schema.get("enum")
    return values if isinstance(values, list) else None


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


@dataclass(slots=True)
class SchemaLookup:
    """Answers questions about one tool's schema and remembers the answers while one call is looked at."""

    root: Schema
    _kinds: dict[int, Kinds] = field(default_factory=dict)
    _applying: dict[tuple[int, Kind], list[Schema]] = field(default_factory=dict)

    def kinds(self, schema: Json | Schema) -> Kinds:
        """Return the kinds of values that this part of the schema may accept."""
        if id(schema) not in self._kinds:  # parts of `root` live as long as this lookup does
            self._kinds[id(schema)] = kinds(schema, self.root)
        return self._kinds[id(schema)]

    def applying(self, schema: Json | Schema, kind: Kind) -> list[Schema]:
        """Return every schema that speaks about a value of this kind."""
        key = (id(schema), kind)
        if key not in self._applying:
            self._applying[key] = applying(schema, self.root, kind)
        return self._applying[key]

    def member(self, schema: Json | Schema, name: str) -> Json:
        """Return the schema of an object's member; True, which says nothing, where there is none or more than one."""
        found: list[Json] = []
        for each in self.applying(schema, "object"):
            declared = each.get("properties")
            if isinstance(declared, Mapping) and name in declared:
                found.append(declared[name])
        return found[0] if len(found) == 1 else True

    def item(self, schema: Json | Schema, at: int) -> Json:
        """Return the schema of an array's item; True, which says nothing, where there is none or more than one."""
        found: list[Json] = []
        for each in self.applying(schema, "array"):
            prefix = each.get("prefixItems", each.get("items"))
            if isinstance(prefix, list):
                found.append(prefix[at] if at < len(prefix) else True)
            elif "items" in each:
                found.append(each["items"])
        return found[0] if len(found) == 1 else True

    def required(self, schema: Json | Schema) -> frozenset[str]:
        """Return the names of the members that an object must have."""
        lists = [each.get("required") for each in self.applying(schema, "object")]
        return frozenset(name for names in lists if isinstance(names, list) for name in names if isinstance(name, str))

    def admits(self, value: Json, schema: Json | Schema) -> bool:
        """Say whether a value is of a kind, and among the `enum`, that the schema wants. Says nothing of other keywords."""
        kind = kind_of(value)
        return kind in self.kinds(schema) and all(_among(value, each) for each in self.applying(schema, kind))


def _among(value: Json, schema: Schema) -> bool:
    values = choices(schema)
    return values is None or any(value == each and isinstance(value, bool) == isinstance(each, bool) for each in values)
