"""Read JSON as models write it: strict JSON exactly as `json.loads` does, slips that can only mean one thing mended."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final, NoReturn

from rules.conversation import Json
from rules.json_reader import MAX_DEPTH, JsonReader, Refused, Unreadable, to_number

__all__ = ["MAX_DEPTH", "Reading", "Unreadable", "read_json", "read_many", "unquoted"]


MAX_LAYERS: Final = 3
"""How many times JSON is taken out of a JSON string: more has not been seen."""

MAX_LOOSE: Final = 256 * 1024
"""Characters of text that is no strict JSON and is mended all the same: beyond that, hostile text takes seconds."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A value that was read.

    end     where the text after it begins
    mended  what was not JSON and was mended, e.g. `single-quotes`; empty: the text is strict JSON
    """

    value: Json
    end: int
    mended: frozenset[str] = frozenset()

    @property
    def strict(self) -> bool:
        """Say whether nothing had to be mended."""
        return not self.mended


def read_json(text: str, *, closed: bool = False) -> Reading | Unreadable:
    """Read the one value that `text` is. Never raises; costs linear time.

    Closing brackets that are missing at the end are supplied only with `closed`: when the caller knows that the block around
    the text came to its own end. Without it, and for a string that does not end, the answer is an incomplete Unreadable.
    """
    strict = _read_strict(text)
    if strict is not None:
        return strict
    if len(text) > MAX_LOOSE:
        return Unreadable("too long to mend")
    try:
        return _read_loose(text, closed=closed)
    except Refused as refused:
        return refused.unreadable


def unquoted(text: str) -> str:
    """Take a text that is a JSON string out of its quotes, as often as it was put into them; without blanks around it."""
    text = text.strip()
    for _ in range(MAX_LAYERS):
        reading = read_json(text) if text[:1] in ('"', "'") else None
        if not isinstance(reading, Reading) or not isinstance(reading.value, str) or "raw-quotes" in reading.mended:
            break
        text = reading.value.strip()
    return text


def read_many(text: str, *, closed: bool = False) -> tuple[Reading, ...] | Unreadable:
    """Read the values that stand one after the other in `text`, with or without commas between them. At least one."""
    only = _read_strict(text)
    if only is not None:
        return (only,) if isinstance(only, Reading) else only
    if len(text) > MAX_LOOSE:
        return Unreadable("too long to mend")
    at, stop, fenced = _inside_fence(text)
    found: list[Reading] = []
    try:
        while True:
            reader = JsonReader(text, at, stop, closed=closed, many=True, mended=set(fenced))
            value = reader.read()
            found.append(Reading(value, reader.at, frozenset(reader.mended)))
            reader.skip()
            if reader.peek() in (",", ";"):
                reader.at += 1
            if not reader.peek():
                return tuple(found)
            at = reader.at
    except Refused as refused:
        return refused.unreadable


def _read_loose(text: str, *, closed: bool) -> Reading | Unreadable:
    at, stop, fenced = _inside_fence(text)
    reader = JsonReader(text, at, stop, closed=closed, mended=set(fenced))
    if not reader.peek():
        return Unreadable("empty")
    value = reader.read()
    end = reader.at
    if isinstance(value, (dict, list)):
        reader.drop_extra_closers()
    if reader.peek():
        return Unreadable("more text after the value", reader.at)
    return Reading(value, end, frozenset(reader.mended))


_FENCE: Final = re.compile(r"\s*+(?:```|~~~)[\w-]*+[ \t]*+\n?")


def _inside_fence(text: str) -> tuple[int, int, frozenset[str]]:
    """Return where the text inside a surrounding code fence begins and ends."""
    opener = _FENCE.match(text)
    if opener is None:
        return 0, len(text), frozenset()
    stop = len(text.rstrip())
    mark = opener[0].strip()[:3]
    if stop - len(mark) >= opener.end() and text.endswith(mark, 0, stop):
        stop -= len(mark)
    return opener.end(), stop, frozenset({"fence"})


_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def _too_deep(text: str) -> bool:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        if depth > MAX_DEPTH:
            return True
    return False


def _read_strict(text: str) -> Reading | Unreadable | None:
    """Read strict JSON; None: it is none, but may be mended."""
    if _too_deep(text):
        return None  # the loose reader will say where
    try:
        value: Json = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_float, parse_int=_int)
    except Refused as refused:
        return refused.unreadable
    except (ValueError, RecursionError):
        return None
    return Reading(value, len(text))


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) < len(pairs) and any(repr(members[key]) != repr(value) for key, value in pairs):
        raise Refused(Unreadable("a key stands twice with different values"))
    return members


def _no_constant(name: str) -> NoReturn:
    raise Refused(Unreadable(f"{name} is no JSON number"))


def _float(text: str) -> int | float:
    return to_number(text, whole=False)


def _int(text: str) -> int | float:
    return to_number(text, whole=True)
