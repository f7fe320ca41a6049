"""Resolves references within a relaxed schema, whose definitions stand in its `$defs`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from adapters.structured.relaxed import Unbuildable
from rules.conversation import Json, Schema

_PREFIX: Final = "#/$defs/"


def resolved(pointer: str, root: Schema) -> Json:
    """Return what a reference stands for; Unbuildable where nothing does."""
    named = root.get("$defs")
    name = pointer.removeprefix(_PREFIX)
    if not isinstance(named, Mapping) or not pointer.startswith(_PREFIX) or name not in named:
        raise Unbuildable(f"{pointer!r:.60} is not defined")
    return named[name]


def begins_with_itself(pointer: str, root: Schema) -> bool:
    """Tell whether a definition may begin with itself: no text is read then, and llama.cpp refuses the grammar."""
    seen = {pointer}
    left = [pointer]
    while left:
        for each in _leading(resolved(left.pop(), root)):
            if each == pointer:
                return True
            if each not in seen:
                seen.add(each)
                left.append(each)
    return False


def _leading(schema: Json) -> Iterator[str]:
    """Yield the definitions that a part may begin with."""
    if not isinstance(schema, Mapping):
        return
    reference, branches = schema.get("$ref"), schema.get("anyOf")
    if isinstance(reference, str):
        yield reference
    for each in branches if isinstance(branches, list) else ():
        yield from _leading(each)
