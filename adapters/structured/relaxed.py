"""Makes of a tool's schema one that a grammar can be built from, for some or all of its properties.

A grammar engine takes fewer keywords than a validator, and what it does not bear it ignores, refuses, or lets hang the server:
length bounds and patterns on a text forbid every escape (xgrammar#800), an unbounded integer never ends, `multipleOf` and two
`allOf` branches make vLLM choose another backend for the whole process (vllm#55152), `type` beside `anyOf` loses `required`. So
the grammar is built from less, and the full schema judges what comes out of it. Source: xgrammar 0.2.8 under vLLM 0.32, as
measured.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from rules.conversation import Json, Schema, Tools

_KEPT: Final = ("type", "enum", "const", "required", "minItems", "maxItems")
"""Keywords that are enforced as they stand. Bounds of numbers are, too, and are added where there are none."""

INTEGERS: Final = (-(2**53) + 1, 2**53 - 1)
"""Bounds of an integer that has none: what a double holds exactly."""

NUMBERS: Final = (-1e15, 1e15)
MAX_DEPTH: Final = 64
MAX_PARTS: Final = 2000


class Unbuildable(ValueError):
    """Raised where no grammar can be built: the model has to be asked in words."""


def relaxed(schema: Schema, only: Collection[str] = (), needed: Collection[str] | None = None) -> dict[str, Json]:
    """Return a schema of an object for a grammar.

    only    names of the properties that are asked for. Empty: all of them, required as declared
    needed  those of `only` that are required; None: all

    Raises Unbuildable for a schema that is no object's, or too deep or too large.
    """
    relaxing = _Relaxing(schema)
    made = relaxing.object(schema, only, only if needed is None else needed)
    return made | relaxing.definitions()


def relaxed_calls(tools: Tools) -> dict[str, Json]:
    """Return a schema, for a grammar, of a call of any of these tools: an object of `name` and `arguments`.

    Raises Unbuildable where one of the tools cannot be made into a grammar: without it the model could only call another.
    """
    branches: list[Json] = []
    definitions: dict[str, Json] = {}
    parts = 0
    for place, tool in enumerate(tools):
        relaxing = _Relaxing(tool.parameters, f"{place}-", parts)
        properties: dict[str, Json] = {"name": {"const": tool.name}, "arguments": relaxing.object(tool.parameters, (), ())}
        branches.append(
            {"type": "object", "properties": properties, "required": ["name", "arguments"], "additionalProperties": False}
        )
        definitions |= relaxing.definitions().get("$defs", {})
        parts = relaxing.parts
    made: dict[str, Json] = {"anyOf": branches} if len(branches) > 1 else dict(branches[0])  # type: ignore[arg-type]
    return made | ({"$defs": definitions} if definitions else {})


_REFERENCE: Final = re.compile(r"#/(\$defs|definitions)/([^/]+)")


class _Relaxing:
    """Walks one schema. Counts its parts, so that a hostile one ends.

    prefix  stands before the names of its definitions, where several schemas become one
    """

    def __init__(self, root: Schema, prefix: str = "", parts: int = 0) -> None:
        self._root = root
        self._prefix = prefix
        self._referred: dict[str, Json] = {}
        self.parts = parts

    def object(self, schema: Schema, only: Collection[str], needed: Collection[str]) -> dict[str, Json]:
        declared = schema.get("properties")
        properties = declared if isinstance(declared, dict) else {}
        if missing := [name for name in only if name not in properties]:
            raise Unbuildable(f"{missing[0]!r:.60} is not declared")
        names = [name for name in properties if name in only] if only else list(properties)
        wanted = needed if only else _texts(schema.get("required"))
        others = schema.get("additionalProperties")
        if not properties and (others is True or isinstance(others, Mapping)):
            return {"type": "object", "additionalProperties": self.part(others, 1)}
        return {
            "type": "object",
            "properties": {name: self.part(properties[name], 1) for name in names},
            "required": [name for name in names if name in wanted],
            "additionalProperties": False,
        }

    def definitions(self) -> dict[str, dict[str, Json]]:
        """Return the definitions that are referred to, and those that they refer to."""
        found: dict[str, Json] = {}
        while waiting := {name: each for name, each in self._referred.items() if name not in found}:
            found |= {name: self.part(each, 2) for name, each in waiting.items()}
        return {"$defs": found} if found else {}

    def _reference(self, text: str) -> dict[str, Json]:
        """Return a reference to a definition that is carried along."""
        match = _REFERENCE.fullmatch(text)
        named = self._root.get(match[1]) if match else None
        key = match[2].replace("~1", "/").replace("~0", "~") if match else ""
        if not isinstance(named, dict) or key not in named:
            raise Unbuildable(f"{text!r:.60} refers to something that is not carried along")
        name = re.sub(r"[^\w.-]", "_", f"{self._prefix}{key}")
        if self._referred.setdefault(name, named[key]) is not named[key]:
            raise Unbuildable(f"two definitions are called alike: {key!r:.60}")
        return {"$ref": f"#/$defs/{name}"}

    def part(self, schema: Json, depth: int) -> Json:
        """Return a part of the schema with only what a grammar bears."""
        self.parts += 1
        if depth > MAX_DEPTH or self.parts > MAX_PARTS:
            raise Unbuildable("the schema is too deep or too large for a grammar")
        if not isinstance(schema, Mapping):
            return {} if schema is not False else False
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return self._reference(reference)
        branches = _branches(schema)
        if branches and not {"properties", "items", "enum", "const"} & schema.keys():
            return {"anyOf": [self.part(each, depth + 1) for each in branches]}
        every = schema.get("allOf")
        if isinstance(every, list) and len(every) == 1 and "properties" not in schema:
            return self.part(every[0], depth + 1)
        made: dict[str, Json] = {name: schema[name] for name in _KEPT if name in schema}
        self._members(schema, made, depth)
        self._items(schema, made, depth)
        return _bounded(schema, made)

    def _members(self, schema: Mapping[str, Json], made: dict[str, Json], depth: int) -> None:
        declared = schema.get("properties")
        if isinstance(declared, dict):
            made["properties"] = {name: self.part(each, depth + 1) for name, each in declared.items()}
            made["required"] = [name for name in _texts(schema.get("required")) if name in declared]
        elif "patternProperties" not in schema and isinstance(schema.get("additionalProperties"), Mapping):
            made["additionalProperties"] = self.part(schema["additionalProperties"], depth + 1)
            made["required"] = []

    def _items(self, schema: Mapping[str, Json], made: dict[str, Json], depth: int) -> None:
        items = schema.get("items")
        row = schema.get("prefixItems", items)
        if isinstance(row, list):
            made["prefixItems"] = [self.part(each, depth + 1) for each in row]
        elif items is not None:
            made["items"] = self.part(items, depth + 1)


def _branches(schema: Mapping[str, Json]) -> Sequence[Json]:
    for keyword in ("anyOf", "oneOf"):
        branches = schema.get(keyword)
        if isinstance(branches, list) and branches:
            return branches
    return ()


def _bounded(schema: Mapping[str, Json], made: dict[str, Json]) -> dict[str, Json]:
    """Bound numbers, and leave out what has no meaning any more."""
    if not made.get("required", True):
        del made["required"]
    declared = made.get("type")
    types = declared if isinstance(declared, list) else [declared]
    if "enum" in made or "const" in made:
        return made
    low, high = INTEGERS if "integer" in types else NUMBERS
    if "integer" in types or "number" in types:
        made["minimum"] = _number(schema, ("minimum", "exclusiveMinimum"), low)
        made["maximum"] = _number(schema, ("maximum", "exclusiveMaximum"), high)
    return made


def _number(schema: Mapping[str, Json], keywords: tuple[str, str], otherwise: float) -> Json:
    """Return a bound. An exclusive one admits its own value, which the full schema then refuses."""
    found = [schema[name] for name in keywords if isinstance(schema.get(name), (int, float)) and schema[name] is not True]
    return found[0] if found else otherwise


def _texts(value: Json) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
