"""The reader of arguments: strict JSON as a strict reader takes it, nothing closed that was cut, and no exception."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from rules.read_json import MAX_DEPTH, Reading, Unreadable, read_json, read_many, unquoted

SEEDS = (
    b'\x00{"command": "ls", "n": [1, 2.5, -0, 1e400, null, true], "o": {"a": {}}}',
    b"\x01{'command': 'it\\'s', n: True, // why\n",
    b'\x02```json\n{"a": "say "hi" now", "b": undefined,}\n```',
    b'\x00"{\\"a\\": \\"b\\"}"',
    b'\x01{"a": "x", "a": "y"}',
    b'\x00{"a": "\\ud83d\\ude00\\u00e9\\q", "big": 123456789012345678901234567890}',
    b'\x00{"text": "a\n\tb", "path": "C:\\new"} trailing',
    "\x03{“a”: “b”} {'c': 1}".encode(),
)
WORDS = tuple(
    b'{ } [ ] : , " \' \\ \\u00 \\ud83d /* // # ``` ~~~ True None null NaN Infinity 1e 0x -0. """ }} ]] ; = =>'.split(b" ")
)


def run(data: bytes) -> None:
    """The first byte says whether the block around is closed; the last one where a strict text is cut."""
    how, cut, text = (data[:1] or b"\0")[0], (data[-1:] or b"\0")[0], data[1:].decode("utf-8", "replace")
    read = read_json(text, closed=bool(how & 1))
    many = read_many(text, closed=bool(how & 1))
    unquoted(text)
    for reading in (read, *(many if isinstance(many, tuple) else (many,))):
        right(reading, text)
    strict = strictly(text)
    if strict is None:
        return
    assert isinstance(read, Reading)
    assert read.strict
    assert same(read.value, strict[0])
    assert isinstance(many, tuple)
    assert same([each.value for each in many], [read.value])
    if isinstance(strict[0], (dict, list)):
        part = text[: cut * len(text.rstrip()) // 256]
        assert isinstance(read_json(part), Unreadable), "a text that was cut looks whole"


def right(reading: Reading | Unreadable, text: str) -> None:
    """A value that was read can be written, and is read again as the same."""
    if isinstance(reading, Reading):
        assert 0 <= reading.end <= len(text)
        again = read_json(json.dumps(reading.value, ensure_ascii=False, allow_nan=False))
        assert isinstance(again, Reading)
        assert again.strict
        assert same(again.value, reading.value)
    else:
        assert 0 <= reading.at <= len(text)
        assert reading.reason


def strictly(text: str) -> tuple[Any] | None:
    """Read strict JSON as Python does; None: it is none, or holds what we refuse (deep, twice the same key, a number beyond floats)."""
    try:
        value = json.loads(text, object_pairs_hook=_members, parse_constant=_refuse)
        json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return None if deep(value) > MAX_DEPTH else (value,)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def deep(value: Any) -> int:
    """Tell how deep a value nests."""
    depth, level = 0, [value]
    while level := [each for each in level if isinstance(each, (dict, list))]:
        depth += 1
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
    return depth


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are written alike: 1 is not 1.0, and not true."""
    return json.dumps(one) == json.dumps(other)
