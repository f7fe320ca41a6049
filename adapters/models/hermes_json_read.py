"""Reads a Hermes block into calls: `{"name": ..., "arguments": {...}}` between `<tool_call>` and `</tool_call>`."""

from __future__ import annotations

import json

import msgspec

from rules.conversation import Arguments, Json, ToolCall, Tools
from rules.read_json import Reading, Unreadable, read_json, read_many

OPEN, CLOSE = "<tool_call>", "</tool_call>"
_ARGUMENTS = ("arguments", "parameters", "args", "input")
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read(block: str, tools: Tools) -> tuple[ToolCall, ...] | None:
    """Read a block. What cannot be read is a call without a name whose arguments are the text."""
    del tools
    body = block.removeprefix(OPEN).strip()
    closed = body.endswith(CLOSE)
    body = body.removesuffix(CLOSE).strip()
    readings = _readings(body, closed=closed)
    if isinstance(readings, Unreadable):
        return (ToolCall("", "", body, whole=closed),)
    calls: list[ToolCall] = []
    start = 0
    for reading in readings:
        text, start = body[start : reading.end].lstrip(",; \t\r\n"), reading.end
        items = reading.value if isinstance(reading.value, list) else [reading.value]
        written = text if reading.strict and items is not reading.value else ""
        calls += [_call(item, written or json.dumps(item, ensure_ascii=False), written) for item in items]
    return tuple(calls) or None


def _readings(body: str, *, closed: bool) -> tuple[Reading, ...] | Unreadable:
    """Read the values of a block. A single one may have a few closers too many."""
    readings = read_many(body, closed=closed)
    if not isinstance(readings, Unreadable) or not closed:
        return readings
    only = read_json(body, closed=closed)
    return readings if isinstance(only, Unreadable) else (only,)


def read_object(text: str) -> dict[str, Json] | None:
    """Read text as one JSON object; None: it is none."""
    reading = read_json(text)
    return reading.value if not isinstance(reading, Unreadable) and isinstance(reading.value, dict) else None


def _call(item: Json, text: str, written: str) -> ToolCall:
    """Make a call of one object. `written` is its text where that was strict JSON."""
    path: tuple[str, ...] = ()
    inner = item
    if isinstance(item, dict) and isinstance(item.get("function"), dict):
        path, inner = ("function",), item["function"]
    if not isinstance(inner, dict):
        return ToolCall("", "", text)
    name = inner.get("name", inner.get("function"))
    key = next((key for key in _ARGUMENTS if key in inner), None)
    if not isinstance(name, str) or not name or (key is None and len(inner) > 1):
        return ToolCall("", "", text)
    arguments = inner[key] if key else {}
    if isinstance(arguments, dict):
        return ToolCall("", name, arguments, written=_exact(written, (*path, key or "")))
    return ToolCall("", name, *_from_text(arguments))


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
    try:
        for key in path:
            written = bytes(_MEMBERS.decode(written)[key]).decode()
    except (msgspec.DecodeError, KeyError, UnicodeError):
        return None
    return written
