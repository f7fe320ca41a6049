"""Reads calls out of JSON that names the tool inside: which member is the name, which holds the arguments."""

from __future__ import annotations

import json
from itertools import zip_longest
from typing import NamedTuple

import msgspec

from adapters.models.tool_parameters import properties
from rules.conversation import Arguments, Json, ToolCall, Tools
from rules.declared_tool import declared_tool
from rules.read_json import Reading, Unreadable, read_json, read_many

NAMES = ("name", "function", "tool_name", "tool", "action")
ARGUMENTS = ("arguments", "parameters", "args", "input", "action_input", "tool_input")
BESIDE = frozenset({"id", "type", "index", "call_id", "tool_call_id"})
"""Members that stand beside name and arguments and say nothing that a call needs."""

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


class Value(NamedTuple):
    """A value in a block. `text` is how it was written, or the same value as JSON; `written` only the former, if strict JSON."""

    item: Json
    text: str
    written: str


class Member(NamedTuple):
    """A call's parts. `path` leads to the arguments as they were written; empty where they are not one member."""

    name: str
    arguments: Json
    path: tuple[str, ...] = ()


def values_in(body: str, *, closed: bool) -> list[Value] | None:
    """Read the values that stand in a block, the items of lists one by one; None: they cannot be read."""
    readings = _readings(body, closed=closed)
    if isinstance(readings, Unreadable):
        return None
    values: list[Value] = []
    start = 0
    for reading in readings:
        text, start = body[start : reading.end].lstrip(",; \t\r\n"), reading.end
        items = reading.value if isinstance(reading.value, list) else [reading.value]
        texts = _texts(text, listed=items is reading.value) if reading.strict else []
        values += [
            Value(item, written or json.dumps(item, ensure_ascii=False), written)
            for item, written in zip_longest(items, texts, fillvalue="")
        ]
    return values


def _texts(text: str, *, listed: bool) -> list[str]:
    """Return the exact text of a strict JSON value, or of the items of a list."""
    if not listed:
        return [text]
    try:
        return [bytes(item).decode() for item in _ITEMS.decode(text)]
    except (msgspec.DecodeError, UnicodeError):
        return []


def _readings(body: str, *, closed: bool) -> tuple[Reading, ...] | Unreadable:
    """Read the values of a block. A single one may have a few closers too many."""
    readings = read_many(body, closed=closed)
    if not isinstance(readings, Unreadable):
        return readings
    only = read_json(body, closed=closed)
    return readings if isinstance(only, Unreadable) else (only,)


def call_of(value: Value, tools: Tools) -> ToolCall | None:
    """Make a call of a value; None: it has not the shape of one."""
    found = parts_of(value.item, tools)
    return found and made_of(found, value)


def keyed_call_of(value: Value, tools: Tools) -> ToolCall | None:
    """Make a call of `{NAME: {...}}`, and of whatever else has the shape of one."""
    if isinstance(value.item, dict) and len(value.item) == 1:
        [(name, arguments)] = value.item.items()
        if name and isinstance(arguments, dict):
            return made_of(Member(name, arguments, (name,)), value)
    return call_of(value, tools)


def parts_of(item: Json, tools: Tools) -> Member | None:
    """Find name and arguments: in an object or in its `function`; the arguments in a member, or beside the name."""
    path: tuple[str, ...] = ()
    if isinstance(item, dict) and isinstance(item.get("function"), dict):
        path, item = ("function",), item["function"]
    if not isinstance(item, dict):
        return None
    named = [key for key in NAMES if isinstance(item.get(key), str) and item[key]]
    name_key = next((key for key in named if declared_tool(str(item[key]), tools)), named[0] if named else "")
    if not name_key:
        return None
    name = str(item[name_key])
    key = next((key for key in ARGUMENTS if key in item), None)
    if key:
        return Member(name, item[key], (*path, key))
    beside = {key: value for key, value in item.items() if key != name_key and key not in BESIDE}
    tool = declared_tool(name, tools)
    return Member(name, beside) if not beside or (tool and beside.keys() <= properties(tool)) else None


def made_of(found: Member, value: Value) -> ToolCall:
    """Make a call of its parts, with the exact text of its arguments where there is one."""
    if isinstance(found.arguments, dict):
        return ToolCall("", found.name, found.arguments, written=_exact(value.written, found.path))
    return ToolCall("", found.name, *_from_text(found.arguments))


def _from_text(value: Json) -> tuple[Arguments | str, bool, str | None]:
    """Read arguments that came as a JSON string, or as nothing."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return {}, True, None
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False), True, None
    reading = read_json(value)
    if isinstance(reading, Unreadable) or not isinstance(reading.value, dict):
        return value, True, None
    return reading.value, True, value if reading.strict else None


def _exact(written: str, path: tuple[str, ...]) -> str | None:
    """Return the exact text of a member of a strict JSON object."""
    if not path:
        return None
    try:
        for key in path:
            written = bytes(_MEMBERS.decode(written)[key]).decode()
    except (msgspec.DecodeError, KeyError, UnicodeError):
        return None
    return written
