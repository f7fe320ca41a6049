"""What a schema takes, as a value that is easy to look at; it knows nothing of how the rules read schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from rules.conversation import Json

Path: TypeAlias = tuple[str | int, ...]
KINDS = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})


@dataclass(frozen=True, slots=True)
class Shape:
    """A part of a schema.

    choices   the only values, if they are counted
    other     whether an object takes keys besides its properties: no, perhaps (nothing is said), or yes, of the shape `others`
    item      what an array holds behind its row
    branches  objects of which each has a constant `kind` of its own; a union of these
    """

    kinds: frozenset[str]
    choices: tuple[Json, ...] | None = None
    format: str = ""
    properties: Mapping[str, Shape] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    other: Literal["no", "perhaps", "yes"] = "perhaps"
    others: Shape | None = None
    row: tuple[Shape, ...] = ()
    item: Shape | None = None
    branches: tuple[Shape, ...] = ()

    def branch(self, value: Mapping[str, Json]) -> Shape:
        """Return the branch that an object belongs to, by its constant."""
        of_kind = (each for each in self.branches if each.properties["kind"].choices == (value.get("kind"),))
        return next(of_kind, self)

    def takes_text(self) -> bool:
        """Say whether any text is taken as it is."""
        return "string" in self.kinds and self.choices is None


ANY = Shape(KINDS)


@dataclass(frozen=True, slots=True)
class Part:
    """A value within arguments, where it stands, and what is taken there."""

    path: Path
    shape: Shape
    value: Json


def parts(shape: Shape, value: Json, path: Path = ()) -> Iterator[Part]:
    """Yield a value and all values in it."""
    if isinstance(value, dict):
        shape = shape.branch(value)
    yield Part(path, shape, value)
    if isinstance(value, dict):
        for name, each in value.items():
            yield from parts(shape.properties.get(name, shape.others or ANY), each, (*path, name))
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from parts(shape.row[at] if at < len(shape.row) else shape.item or ANY, each, (*path, at))


def put(value: Any, path: Path, new: Any) -> Any:
    """Return a value with another one in a place of it."""
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(value, dict):
        return {name: put(each, rest, new) if name == step else each for name, each in value.items()}
    return [put(each, rest, new) if at == step else each for at, each in enumerate(value)]


def shape_of(schema: Mapping[str, Any], *, top: bool = True) -> Shape:
    """Read a schema without references and unions. A tool takes no arguments besides those that it declares."""
    declared = schema.get("type", list(KINDS))
    kinds = frozenset([declared] if isinstance(declared, str) else declared)
    said = schema.get("additionalProperties", False if top else None)
    return Shape(
        kinds | {"integer"} if "number" in kinds else kinds,
        tuple(schema["enum"]) if "enum" in schema else None,
        schema.get("format", ""),
        {name: shape_of(each, top=False) for name, each in schema.get("properties", {}).items()},
        frozenset(schema.get("required", ())),
        "no" if said is False else "perhaps" if said is None else "yes",
        item=shape_of(schema["items"], top=False) if "items" in schema else None,
    )
