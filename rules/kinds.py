"""Answers questions about a tool's schema: the kinds of its values, and the schemas of their members and items."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from rules.conversation import Json, Schema
from rules.members import names_of, refuses_keys, required_of, speaking_of_item, speaking_of_member
from rules.schema_parts import ALL, NUMERIC, Kind, Kinds, among, applying, branches, choices, kind_of, kinds, only_choices
from rules.spelling import squeezed

__all__ = ["ALL", "NUMERIC", "Kind", "Kinds", "SchemaLookup", "among", "choices", "kind_of", "kinds", "lookup_of"]

MAX_BRANCHES: Final = 32
"""Branches of a union that are held against an object."""

MAX_MEMBERS: Final = 10_000
"""Members whose schemas are remembered: their names are the model's."""

_OF_MEMBERS: Final = frozenset({"properties", "patternProperties", "additionalProperties"})


@dataclass(slots=True)
class SchemaLookup:
    """Answers questions about one tool's schema and remembers the answers, for as long as anyone asks about this tool.

    The answers are kept by the identity of a part of the schema, together with that part, so that nothing else can get it.
    """

    root: Schema
    _kinds: dict[int, tuple[object, Kinds]] = field(default_factory=dict)
    _applying: dict[tuple[int, Kind], tuple[object, list[Schema]]] = field(default_factory=dict)
    _choices: dict[tuple[int, Kind], tuple[object, list[Json] | None]] = field(default_factory=dict)
    _members: dict[tuple[int, str], tuple[object, Json]] = field(default_factory=dict)
    _spelled: dict[int, tuple[object, Mapping[str, tuple[str, ...]]]] = field(default_factory=dict)
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
        key = (id(schema), name)
        if key not in self._members:
            if len(self._members) >= MAX_MEMBERS:
                self._members.clear()
            self._members[key] = schema, self._all_of(speaking_of_member(self.applying(schema, "object"), name))
        return self._members[key][1]

    def item(self, schema: Json | Schema, at: int) -> Json:
        """Return the schema of an array's item; True, which says nothing, where there is none."""
        return self._all_of(speaking_of_item(self.applying(schema, "array"), at))

    def required(self, schema: Json | Schema) -> frozenset[str]:
        """Return the names of the members that an object must have."""
        return required_of(self.applying(schema, "object"))

    def names(self, schema: Json | Schema) -> frozenset[str]:
        """Return the names of the properties of an object."""
        return frozenset().union(*self.spelled(schema).values())

    def spelled(self, schema: Json | Schema) -> Mapping[str, tuple[str, ...]]:
        """Return the properties of an object by their squeezed names."""
        if id(schema) not in self._spelled:
            found: dict[str, tuple[str, ...]] = {}
            for name in sorted(names_of(self.applying(schema, "object"))):
                found[squeezed(name)] = (*found.get(squeezed(name), ()), name)
            self._spelled[id(schema)] = schema, found
        return self._spelled[id(schema)][1]

    def narrowed(self, schema: Json | Schema, value: Mapping[str, Json]) -> Json | Schema:
        """Return the schema with the one branch that may accept an object: all others refuse its constants, or its keys.

        What is a constant or a key in other letters counts as the same: once it is mended, a branch may accept it.
        """
        several = self._several(schema)
        if not 1 < len(several) <= MAX_BRANCHES or not isinstance(schema, Mapping):
            return schema
        given = {squeezed(name): each for name, each in value.items()}
        left = [each for each in several if not self._refuses_constants(each, given)]
        if len(left) > 1:
            left = [each for each in left if not refuses_keys(self.applying(each, "object"), given.keys())]
        if len(left) != 1:
            return schema
        joined = self._all_of([schema, left[0]])
        self._branches[id(joined)] = joined, self._several(left[0])  # the others say nothing any more
        return joined

    def speaks_in_branches(self, schema: Json | Schema) -> bool:
        """Say whether branches of which any may hold declare members."""
        return any(not _OF_MEMBERS.isdisjoint(part) for each in self._several(schema) for part in self.applying(each, "object"))

    def _several(self, schema: Json | Schema) -> list[Json]:
        if id(schema) not in self._branches:
            self._branches[id(schema)] = schema, branches(schema, self.root, "object")
        return self._branches[id(schema)][1]

    def _refuses_constants(self, branch: Json, given: Mapping[str, Json]) -> bool:
        spelled = self.spelled(branch)
        for name in (name for bare in given.keys() & spelled.keys() for name in spelled[bare]):
            value = given[squeezed(name)]
            if value is None and name not in self.required(branch):
                continue  # it may stand for nothing
            values = self.choices(self.member(branch, name), kind_of(value))
            if values is not None and not among(_bare(value), [_bare(each) for each in values]):
                return True
        return False

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


def _bare(value: Json) -> Json:
    return squeezed(value) if isinstance(value, str) else value


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
