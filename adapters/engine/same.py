"""When a call that a server made out is the one that the model wrote."""

from __future__ import annotations

import json
from typing import Final

from rules.conversation import Json, Schema, ToolCall, Tools
from rules.kinds import SchemaLookup, lookup_of
from rules.read_json import Reading, read_json, unquoted

ANY: Final[Schema] = {}


def same_call(ours: ToolCall, theirs: ToolCall, tools: Tools) -> bool:
    """Tell whether a server passed on a call as the model wrote it.

    Types that the tool's schema decides are the server's to choose. What the model itself got wrong (an object inside a string,
    no object at all, missing brackets) may come as it is.
    """
    if ours.name != theirs.name:
        return False
    if isinstance(theirs.arguments, str):
        return _same_text(ours, theirs.arguments)
    schema = next((tool.parameters for tool in tools if tool.name == ours.name), ANY)
    value, made = _value(ours), dict(theirs.arguments)
    return _same(value, made, schema, lookup_of(schema)) or _same_value(value, _inner(made))


def _same_text(ours: ToolCall, theirs: str) -> bool:
    """Compare with arguments that are no object: the same text, or one that can only be read as what we read."""
    if isinstance(ours.arguments, str):
        return ours.arguments.strip() == theirs.strip()
    reading = read_json(unquoted(theirs), closed=True)
    if not isinstance(reading, Reading):
        return not ours.arguments and theirs.strip() in ('""', "''")
    return "extra-closers" not in reading.mended and _same_value(dict(ours.arguments), reading.value or {})


def _value(call: ToolCall) -> Json:
    """Return arguments as a value; a text that is no strict object is read as far as it can be."""
    return dict(call.arguments) if not isinstance(call.arguments, str) else _spoken(call.arguments)


def _inner(arguments: dict[str, Json]) -> Json:
    """Return the arguments that a model put, as a text, into one of them; anything else as it is."""
    only = next(iter(arguments.values())) if len(arguments) == 1 else None
    return _spoken(only) if isinstance(only, str) else arguments


def _same(ours: Json, theirs: Json, schema: Json | Schema, lookup: SchemaLookup) -> bool:
    match ours, theirs:
        case dict(), dict():
            names = ours.keys()
            return names == theirs.keys() and all(_same(ours[n], theirs[n], lookup.member(schema, n), lookup) for n in names)
        case list(), list():
            pairs = enumerate(zip(ours, theirs, strict=False))
            return len(ours) == len(theirs) and all(_same(a, b, lookup.item(schema, at), lookup) for at, (a, b) in pairs)
        case str(), str():
            return ours.strip("\n") == theirs.strip("\n")  # what frames a value in XML
        case str(), _:
            return (lookup.admits(theirs, schema) or not lookup.admits(ours, schema)) and _same_value(_spoken(ours), theirs)
        case _, str():
            by_schema = lookup.admits(theirs, schema) and not lookup.admits(ours, schema)
            return by_schema and _same_value(ours, _spoken(theirs))
    return _same_value(ours, theirs)


def _same_value(ours: Json, theirs: Json) -> bool:
    """Compare as JSON values: 5 equals 5.0, and true is not 1."""
    match ours, theirs:
        case dict(), dict():
            return ours.keys() == theirs.keys() and all(_same_value(ours[name], theirs[name]) for name in ours)
        case list(), list():
            return len(ours) == len(theirs) and all(map(_same_value, ours, theirs))
    return isinstance(ours, bool) == isinstance(theirs, bool) and ours == theirs


def _spoken(text: str) -> Json:
    """Read a value from its text, as JSON or as Python writes it; any other text is itself."""
    reading = read_json(text)
    return reading.value if isinstance(reading, Reading) else text


def as_text(call: ToolCall) -> str:
    """Write a call as the journal shows it, its arguments as they came."""
    if isinstance(call.arguments, str):
        return f"{call.name}({call.arguments})"
    return f"{call.name}({json.dumps(dict(call.arguments), ensure_ascii=False)})"
