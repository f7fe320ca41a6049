"""Draws tools and right calls of them: every way to say in JSON Schema what is taken, and values that are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from rules.conversation import ToolCall, ToolSpec
from tests.damage.faults import Right
from tests.damage.shapes import Shape

CLEAR = ("command", "file_path", "max_results", "recursive", "encoding", "description", "working_directory", "priority", "labels")
PAIRS = (("old_text", "new_text"), ("start_line", "end_line"), ("min_size", "max_size"), ("source_dir", "target_dir"))
PAIRS += (("path1", "path2"), ("x", "y"))
CHOICES = (("LOW", "MEDIUM", "HIGH"), ("in_progress", "done", "not_started"), ("view", "create"), ("Celsius", "Fahrenheit"))

TEXTS = st.sampled_from([
    "", "ls -la", "30", "007", "true", "null", "None", "1.50", "it's", 'say "no"', "'", '"', "a\nb\n", "\ttab", "[1, 2]", '{"a": 1}',
    "C:\\new\\table", "x = {'a': \"b\"}\n", "é 🚀", "</parameter>", "```sh\nls\n```", "a, b: c", " padded ", "LOW", "// no comment",
]) | st.text(st.sampled_from("ab 1'\"\\\n{}[]:,é"), max_size=12)  # fmt: skip
TIMES = st.sampled_from(["2024-05-31T12:30:00Z", "1999-12-31T23:59:59.123+02:00", "2024-01-02T03:04:05Z"])
NUMBERS = st.floats(-1e6, 1e6, allow_nan=False) | st.integers(-(10**12), 10**12)

TEXT = Shape(frozenset({"string"}))
WORDS = st.lists(TEXTS, max_size=2)


def scalars() -> st.SearchStrategy[Shape]:
    """Draw shapes of single values."""
    plain = ["string", "integer", "boolean", "number"]
    kinds = st.sampled_from([frozenset({each} | ({"integer"} if each == "number" else set())) for each in plain])
    both = st.sampled_from(
        [frozenset({"string", "integer", "number"}), frozenset({"boolean", "string"}), frozenset({"integer", "boolean"})]
    )
    counted = st.sampled_from(CHOICES).map(lambda values: Shape(frozenset({"string"}), tuple(values)))
    timed = st.just(replace(TEXT, format="date-time"))
    return st.builds(Shape, kinds) | st.builds(Shape, kinds | both) | counted | timed


def nullable(shape: Shape) -> Shape:
    """Take null as well."""
    return replace(shape, kinds=shape.kinds | {"null"}, choices=(*shape.choices, None) if shape.choices else None)


@st.composite
def objects(draw: st.DrawFn, inner: st.SearchStrategy[Shape], *, top: bool = False) -> Shape:
    """Draw shapes of objects, at times with two names that are easily taken for one another."""
    names = draw(st.lists(st.sampled_from(CLEAR), min_size=1, max_size=3, unique=True))
    names += draw(st.sampled_from([(), (), *PAIRS]))
    properties = {name: draw(inner | inner.map(nullable)) for name in names}
    required = frozenset(name for name in names if draw(st.booleans()))
    other = draw(st.sampled_from(["no", "no", "yes"] if top else ["no", "perhaps", "yes"]))
    others = draw(st.none() | scalars()) if other == "yes" else None
    return Shape(frozenset({"object"}), properties=properties, required=required, other=other, others=others)


@st.composite
def unions(draw: st.DrawFn, inner: st.SearchStrategy[Shape]) -> Shape:
    """Draw unions of objects, told apart by a constant."""
    several = []
    for kind in ("file", "web"):
        each = draw(objects(inner))
        constant = Shape(frozenset({"string"}), (kind,))
        several.append(
            replace(each, properties={"kind": constant, **each.properties}, required=each.required | {"kind"}, others=None)
        )
    return Shape(frozenset({"object"}), branches=tuple(several))


def lists(inner: st.SearchStrategy[Shape]) -> st.SearchStrategy[Shape]:
    """Draw shapes of lists, at times with a row of items of their own."""
    rows = st.just(()) | st.tuples(inner) | st.tuples(inner, inner)
    return st.builds(lambda item, row: Shape(frozenset({"array"}), item=item, row=row), inner, rows)


SHAPES = st.recursive(scalars(), lambda inner: objects(inner) | lists(inner) | unions(inner), max_leaves=4)


@dataclass(slots=True)
class Writer:
    """Writes shapes as JSON Schema, each time in another of the ways there are."""

    draw: st.DrawFn
    old: bool
    definitions: dict[str, Any] = field(default_factory=dict)

    def write(self, shape: Shape, *, top: bool = False) -> Any:
        """Write a shape, at times as a reference."""
        schema = {"oneOf": [self.write(each) for each in shape.branches]} if shape.branches else self._plain(shape)
        if top:
            return schema
        if "null" in shape.kinds and shape.choices is None and self.draw(st.booleans()):
            without = self.write(replace(shape, kinds=shape.kinds - {"null"}))
            return {"anyOf": [without, {"type": "null"}]}
        way = self.draw(st.integers(0, 5))
        if way == 0:
            return {"allOf": [schema]}
        if way == 1:
            name = f"part/{len(self.definitions)}"
            self.definitions[name] = schema
            return {"$ref": f"#/{'definitions' if self.old else '$defs'}/{name.replace('/', '~1')}"}
        return schema

    def _plain(self, shape: Shape) -> dict[str, Any]:
        kinds = sorted(shape.kinds - ({"integer"} if "number" in shape.kinds else set()))
        if shape.choices and self.draw(st.booleans()):
            return {"oneOf": [{"const": each} for each in shape.choices]}
        schema: dict[str, Any] = {"type": kinds[0] if len(kinds) == 1 else kinds}
        if len(kinds) == 2 and "null" in kinds and not shape.choices and self.draw(st.booleans()):
            schema = {"type": next(each for each in kinds if each != "null"), "nullable": True}
        if shape.choices:
            schema["enum"] = list(shape.choices)
        if shape.format:
            schema["format"] = shape.format
        return schema | self._object(shape) | self._list(shape)

    def _object(self, shape: Shape) -> dict[str, Any]:
        if "object" not in shape.kinds:
            return {}
        schema: dict[str, Any] = {"properties": {name: self.write(each) for name, each in shape.properties.items()}}
        schema["required"] = sorted(shape.required)
        if shape.other == "no":
            schema["additionalProperties"] = False
        elif shape.others and self.draw(st.booleans()):
            schema |= {"patternProperties": {"^x-": self.write(shape.others)}, "additionalProperties": False}
        elif shape.others:
            schema["additionalProperties"] = self.write(shape.others)
        elif shape.other == "yes":
            schema["additionalProperties"] = True
        return schema

    def _list(self, shape: Shape) -> dict[str, Any]:
        if "array" not in shape.kinds or shape.item is None:
            return {}
        item = self.write(shape.item)
        if not shape.row:
            return {"items": item}
        row = [self.write(each) for each in shape.row]
        return {"items": row, "additionalItems": item} if self.old else {"prefixItems": row, "items": item}


def values(shape: Shape) -> st.SearchStrategy[Any]:
    """Draw values that a shape takes."""
    if shape.choices:
        return st.sampled_from(shape.choices)
    if shape.branches:
        return st.one_of([values(each) for each in shape.branches])
    of_kind: Mapping[str, st.SearchStrategy[Any]] = {
        "string": TIMES if shape.format else TEXTS,
        "integer": st.integers(-5, 100_000),
        "number": NUMBERS,
        "boolean": st.booleans(),
        "null": st.none(),
        "object": _objects_of(shape),
        "array": _lists_of(shape),
    }
    return st.one_of([of_kind[kind] for kind in sorted(shape.kinds)])


def _objects_of(shape: Shape) -> st.SearchStrategy[Any]:
    members = {name: values(each) for name, each in shape.properties.items()}
    needed = {name: each for name, each in members.items() if name in shape.required}
    found = st.fixed_dictionaries(needed, optional={name: each for name, each in members.items() if name not in needed})
    if shape.other != "yes":
        return found
    more = st.dictionaries(st.sampled_from(["x-HOME", "x-one more"]), values(shape.others) if shape.others else TEXTS, max_size=2)
    return st.builds(lambda own, others: {**own, **others}, found, more)


def _lists_of(shape: Shape) -> st.SearchStrategy[Any]:
    rest = st.lists(values(shape.item) if shape.item else TEXTS, max_size=2)
    return st.builds(lambda row, behind: [*row, *behind], st.tuples(*map(values, shape.row)), rest)


@st.composite
def rights(draw: st.DrawFn) -> Right:
    """Draw a tool among others, and a right call of it."""
    shape = draw(objects(SHAPES, top=True))
    old = draw(st.booleans())
    writer = Writer(draw, old)
    schema = writer.write(shape, top=True)
    if writer.definitions:
        schema["definitions" if old else "$defs"] = writer.definitions
    if old:
        schema["$schema"] = "http://json-schema.org/draft-07/schema#"
    name = draw(st.sampled_from(["read_file", "execute_bash", "web.search"]))
    tools = (ToolSpec(name, "", schema), ToolSpec("write_file"), ToolSpec("submit"))
    return Right(ToolCall("c1", name, draw(values(shape))), shape, tools)
