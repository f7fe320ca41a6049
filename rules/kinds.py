"""What a JSON Schema says of a value's type: the kinds it may have, and which parts of the schema speak about it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, cast, get_args

from rules.conversation import Json, Schema
from rules.members import lacks, names_of, required_of, speaking_of_item, speaking_of_member

Kind = Literal["null", "boolean", "integer", "number", "string", "array", "object"]
Kinds: TypeAlias = frozenset[Kind]

ALL: Final[Kinds] = frozenset(get_args(Kind))
NUMERIC: Final[Kinds] = frozenset({"integer", "number"})

MAX_VISITS: Final = 400
"""Subschemas looked at for one question; beyond that nothing is known, and nothing is mended."""

MAX_BRANCHES: Final = 32


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
    return None if None in lists else [value for values in lists for value in values or ()]


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


@dataclass(slots=True)
class SchemaLookup:
    """Answers questions about one tool's schema and remembers the answers, for as long as anyone asks about this tool.

    The answers are kept by the identity of a part of the schema, together with that part, so that nothing else can get it.
    """

    root: Schema
    _kinds: dict[int, tuple[object, Kinds]] = field(default_factory=dict)
    _applying: dict[tuple[int, Kind], tuple[object, list[Schema]]] = field(default_factory=dict)
    _choices: dict[tuple[int, Kind], tuple[object, list[Json] | None]] = field(default_factory=dict)
    _branches: dict[int, tuple[object, list[Json]]] = field(default_factory=dict)
    _joined: dict[tuple[int, ...], tuple[object, Json]] = field(default_factory=dict)

    def kinds(self, schema: Json | Schema) -> Kinds:
        """Return the kinds of values that this part of the schema may accept."""
        if id(schema) not in self._kinds:
            self._kinds[id(schema)] = schema, kinds(schema, self.root)
        return self._kinds[id(schema)][1]

    def applying(self, schema: Json | Schema, kind: Kind) -> list[Schema]:
        """Return every schema that speaks about a value of this kind."""
        key = (id(schema), kind)
        if key not in self._applying:
            self._applying[key] = schema, applying(schema, self.root, kind)
        return self._applying[key][1]

    def choices(self, schema: Json | Schema, kind: Kind) -> list[Json] | None:
        """Return the values of a kind that are allowed, where they are counted; None: any."""
        key = (id(schema), kind)
        if key not in self._choices:
            self._choices[key] = schema, only_choices(schema, self.root, kind)
        return self._choices[key][1]

    def member(self, schema: Json | Schema, name: str) -> Json:
        """Return the schema of an object's member; True, which says nothing, where there is none."""
        return self._all_of(speaking_of_member(self.applying(schema, "object"), name))

    def item(self, schema: Json | Schema, at: int) -> Json:
        """Return the schema of an array's item; True, which says nothing, where there is none."""
        return self._all_of(speaking_of_item(self.applying(schema, "array"), at))

    def required(self, schema: Json | Schema) -> frozenset[str]:
        """Return the names of the members that an object must have."""
        return required_of(self.applying(schema, "object"))

    def narrowed(self, schema: Json | Schema, value: Mapping[str, Json]) -> Json | Schema:
        """Return the schema with the one branch that may accept an object: all others refuse it for its keys or its constants."""
        if id(schema) not in self._branches:
            self._branches[id(schema)] = schema, branches(schema, self.root, "object")
        several = self._branches[id(schema)][1]
        left = [each for each in several if not self._refuses(each, value)] if len(several) <= MAX_BRANCHES else []
        return self._all_of([schema, left[0]]) if len(left) == 1 and isinstance(schema, Mapping) else schema

    def _refuses(self, branch: Json, value: Mapping[str, Json]) -> bool:
        schemas = self.applying(branch, "object")
        if lacks(schemas, value):
            return True
        named = {name: self.member(branch, name) for name in names_of(schemas) & value.keys()}
        fixed = {name: self.choices(each, kind_of(value[name])) for name, each in named.items()}
        return any(values is not None and not among(value[name], values) for name, values in fixed.items())

    def _all_of(self, schemas: Sequence[Json | Schema]) -> Json:
        """Return one schema that says what several say, always the same one for the same ones."""
        if len(schemas) < 2:
            return cast(Json, schemas[0]) if schemas else True
        key = tuple(map(id, schemas))
        if key not in self._joined:
            self._joined[key] = schemas, {"allOf": cast(Json, list(schemas))}
        return self._joined[key][1]

    def admits(self, value: Json, schema: Json | Schema) -> bool:
        """Say whether a value is of a kind, and among the values, that the schema wants. Says nothing of other keywords."""
        kind = kind_of(value)
        if kind not in self.kinds(schema):
            return False
        values = self.choices(schema, kind)
        return values is None or among(value, values)


_lookups: Final[OrderedDict[int, SchemaLookup]] = OrderedDict()
"""By identity of the schema, which each one keeps alive; the tools of a request are asked about by every rule."""

MAX_LOOKUPS: Final = 64


def lookup_of(schema: Schema) -> SchemaLookup:
    """Return what answers questions about a tool's schema."""
    found = _lookups.get(id(schema))
    if found is None:
        found = _lookups[id(schema)] = SchemaLookup(schema)
        if len(_lookups) > MAX_LOOKUPS:
            _lookups.popitem(last=False)
    return found
