"""The keys of an object beside those that its schema declares: which are strange, and which declared ones are not given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from rules.conversation import Json, Schema
from rules.kinds import SchemaLookup, among
from rules.members import matches, required_of
from rules.read_json import Reading, read_json
from rules.scalars import as_text
from rules.spelling import differs_in_number, distance, slips, squeezed

MAX_STRANGE: Final = 8
MAX_DECLARED: Final = 100
"""An object with more keys is data, not arguments, and nobody looks for slips in it."""

_ELSEWHERE: Final = frozenset({"if", "dependentSchemas", "$dynamicRef", "propertyNames", "unevaluatedProperties"})
"""Keywords by which a schema may speak of keys that it does not list."""


Other = Literal["no", "perhaps", "yes"]


@dataclass(frozen=True, slots=True)
class ObjectKeys:
    """What the keys of an object say.

    strange   keys that nothing in the schema speaks of
    declared  the properties, in no order
    missing   the properties that are not given
    needed    the missing properties without which the object is refused
    other     whether the object may have other keys: no; perhaps, since nothing is said of them; or yes, in so many words
    """

    strange: tuple[str, ...] = ()
    declared: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()
    other: Other = "no"

    @property
    def wanted(self) -> frozenset[str]:
        """Return the missing properties that a strange key may have been meant as, where it may not mean itself."""
        return self.missing if self.other == "no" else self.needed


def keys_of(value: Mapping[str, Json], schema: Json | Schema, lookup: SchemaLookup) -> ObjectKeys:
    """Compare an object's keys with its schema; nothing is strange where that cannot be told."""
    if not isinstance(schema, Mapping) or lookup.speaks_in_branches(schema):
        return ObjectKeys()
    schemas = lookup.applying(schema, "object")
    declared = lookup.names(schema)
    if not declared or len(declared) > MAX_DECLARED or any(not _ELSEWHERE.isdisjoint(each) for each in schemas):
        return ObjectKeys()
    strange = tuple(name for name in value if name not in declared and not _by_pattern(name, schemas))
    if not strange or len(strange) > MAX_STRANGE:
        return ObjectKeys()
    missing = declared - value.keys()
    return ObjectKeys(strange, declared, missing, required_of(schemas) & missing, _takes_other(schema, schemas, lookup))


def _by_pattern(name: str, schemas: list[Schema]) -> bool:
    patterns = (each.get("patternProperties") for each in schemas)
    return any(matches(pattern, name) is not False for each in patterns if isinstance(each, Mapping) for pattern in each)


def _takes_other(schema: Schema, schemas: list[Schema], lookup: SchemaLookup) -> Other:
    """Say whether other keys may be meant. A tool takes no other arguments where nobody says that it does."""
    said = [each["additionalProperties"] for each in schemas if "additionalProperties" in each]
    if any(each is False for each in said) or (not said and schema is lookup.root):
        return "no"
    return "yes" if said else "perhaps"


def nearest(key: str, keys: ObjectKeys) -> str:
    """Return the one property that is not given and that a strange key is a slip of; nothing where there is none, or a doubt."""
    near = {name: count for name in keys.declared if (count := slips(key, name)) is not None}
    if len(near) != 1:
        return ""
    ((name, count),) = near.items()
    if name not in (keys.needed if differs_in_number(key, name) else keys.wanted):
        return ""
    bare = squeezed(key)
    rivals = (each for each in keys.declared if each != name)
    return "" if any(distance(bare, squeezed(each), count + 1) <= count + 1 for each in rivals) else name


def may_be(value: Json, schema: Json | Schema, lookup: SchemaLookup) -> bool:
    """Say whether a value fits a schema, or would once its text is read, or it is written as text."""
    text = as_text(value)
    if lookup.admits(value, schema) or (text is not None and lookup.admits(text, schema)):
        return True
    if not isinstance(value, str):
        return False
    reading = read_json(value.strip())
    if isinstance(reading, Reading) and lookup.admits(reading.value, schema):
        return True
    choices = lookup.choices(schema, "string") or ()
    return value.strip().casefold() in [each.casefold() for each in choices if isinstance(each, str)]


def same_value(one: Json, other: Json) -> bool:
    """Say whether two values are equal through and through; unlike `==`, it tells true from 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_value(each, other[name]) for name, each in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_value, one, other))
    return among(one, [other])


def renamed(value: Mapping[str, Json], names: Mapping[str, str]) -> dict[str, Json]:
    """Return an object with some of its keys renamed, in the same order."""
    return {names.get(key, key): each for key, each in value.items()}


def unrivalled(meant: Mapping[str, str]) -> dict[str, str]:
    """Return, of what strange keys may be meant as, what is not meant by two of them."""
    targets = list(meant.values())
    return {key: name for key, name in meant.items() if targets.count(name) == 1}
