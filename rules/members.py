"""What schemas say of an object's members and of an array's items, by name and by place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Final

from rules.conversation import Json, Schema
from rules.spelling import squeezed

MAX_NAME: Final = 200
"""Characters of a member's name that are held against a pattern."""

MAX_PATTERNS: Final = 8

_ATOM: Final = r"(?:[^\\^$.|?*+()\[\]{}]|\\[dDwWsS.\-/_]|\.|\[\^?(?:[^\\\[\]]|\\[dDwWsS.\-/_])+\])"
_ROW: Final = rf"(?>{_ATOM}*)"
_PLAIN: Final = re.compile(rf"\^{_ROW}(?:[*+?]|\{{\d{{1,3}}(?:,\d{{0,3}})?\}})?{_ROW}\$?|{_ROW}\$?|\.[*+]")
"""Patterns that cost little: a row of characters and, behind an anchor, at most one of them repeated; or anything at all."""


def speaking_of_member(schemas: Iterable[Schema], name: str) -> list[Json]:
    """Return what schemas of an object say of its member: as a property, by its pattern, or as one of the others."""
    return [said for schema in schemas for said in _of_member(schema, name)]


def _of_member(schema: Schema, name: str) -> Iterator[Json]:
    declared, patterns = schema.get("properties"), schema.get("patternProperties")
    found = [declared[name]] if isinstance(declared, Mapping) and name in declared else []
    patterns = patterns if isinstance(patterns, Mapping) else {}
    matched = {pattern: matches(pattern, name) for pattern in patterns} if len(patterns) <= MAX_PATTERNS else {"": None}
    found += [patterns[pattern] for pattern, hit in matched.items() if hit]
    others = schema.get("additionalProperties")
    if not found and isinstance(others, Mapping) and None not in matched.values():
        found = [others]
    return iter(found)


@lru_cache(maxsize=1024)
def matches(pattern: str, name: str) -> bool | None:
    """Say whether a name has a pattern; None where the pattern is too costly to try, or malformed."""
    if len(pattern) > MAX_NAME or len(name) > MAX_NAME or not _PLAIN.fullmatch(pattern):
        return None
    try:
        return re.search(pattern, name) is not None
    except re.error:
        return None


def speaking_of_item(schemas: Iterable[Schema], at: int) -> list[Json]:
    """Return what schemas of an array say of the item at a place: in their row of items, or of all that are behind it."""
    return [said for schema in schemas for said in _of_item(schema, at)]


def _of_item(schema: Schema, at: int) -> Iterator[Json]:
    """Yield one schema or none. Until 2019 a row was a list in `items`, and `additionalItems` stood for those behind it."""
    row, rest = schema.get("prefixItems"), schema.get("items")
    if not isinstance(row, list) and isinstance(rest, list):
        row, rest = rest, schema.get("additionalItems")
    if isinstance(row, list) and at < len(row):
        yield row[at]
    elif rest is not None:
        yield rest


def names_of(schemas: Iterable[Schema]) -> frozenset[str]:
    """Return the names of the declared properties."""
    declared = (schema.get("properties") for schema in schemas)
    return frozenset(name for each in declared if isinstance(each, Mapping) for name in each)


def required_of(schemas: Iterable[Schema]) -> frozenset[str]:
    """Return the names of the members that an object must have."""
    lists = (schema.get("required") for schema in schemas)
    return frozenset(name for names in lists if isinstance(names, list) for name in names if isinstance(name, str))


def refuses_keys(schemas: Iterable[Schema], given: AbstractSet[str]) -> bool:
    """Say whether schemas refuse an object for its keys, however they are spelled: one is missing, or one may not be given.

    given  the keys of the object, squeezed
    """
    every = list(schemas)
    closed = [each for each in every if each.get("additionalProperties") is False and not each.get("patternProperties")]
    needed = {squeezed(name) for name in required_of(every)}
    return not needed <= given or any(not given <= {squeezed(name) for name in names_of([each])} for each in closed)
