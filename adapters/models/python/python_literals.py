"""Python's literals in calls: strings with their escapes, numbers, and the words True, False and None; read and written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from math import isfinite

from adapters.base import Unwritable
from rules.conversation import Json

DEPTH = 64
"""Levels of lists and dicts inside each other."""
DIGITS = 400
"""Characters of the longest number: Python refuses to read an integer of more than 4,300 digits."""

_WORDS: Mapping[str, Json] = {"True": True, "False": False, "None": None, "true": True, "false": False, "null": None}
_INTEGER = re.compile(r"[+-]?(?:0|[1-9](?:_?\d)*)\Z")
_FLOAT = re.compile(r"[+-]?(?:(?:\d(?:_?\d)*)?\.\d(?:_?\d)*|\d(?:_?\d)*\.)(?:[eE][+-]?\d+)?\Z|[+-]?\d(?:_?\d)*[eE][+-]?\d+\Z")
_LEADING_ZERO = re.compile(r"0\d+\Z")
_ESCAPE = re.compile(
    r"\\(?:(?P<pair>u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|x(?P<hex>[0-9a-fA-F]{2})|u(?P<four>[0-9a-fA-F]{4})|U(?P<eight>000[0-9a-fA-F]{5}|0010[0-9a-fA-F]{4})"
    r"|(?P<octal>[0-3]?[0-7]{1,2})|(?P<plain>.))",
    re.DOTALL,
)
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\n": ""}
_SURROGATE = re.compile("[\ud800-\udfff]")


class NoLiteral(ValueError):
    """Raised where a word is no literal."""


def read_word(word: str) -> Json:
    """Return the value that a word stands for; digits behind a zero are no number, and stay text. Raises NoLiteral."""
    if word in _WORDS:
        return _WORDS[word]
    if len(word) <= DIGITS and _LEADING_ZERO.match(word):
        return word
    if len(word) <= DIGITS and _INTEGER.match(word):
        return int(word)
    if len(word) <= DIGITS and _FLOAT.match(word) and isfinite(number := float(word)):
        return number
    raise NoLiteral(word)


def unescape(raw: str) -> str:
    """Return the text that stands between a string's quotes. An escape that Python does not know stays as it is.

    Two escapes that are halves of one character, as JSON writes it, are that character.
    """
    return _ESCAPE.sub(_unescaped, raw) if "\\" in raw else raw


def _unescaped(found: re.Match[str]) -> str:
    if pair := found["pair"]:
        return chr(0x10000 + ((int(pair[1:5], 16) - 0xD800) << 10) + (int(pair[7:], 16) - 0xDC00))
    if octal := found["octal"]:
        return chr(int(octal, 8))
    if code := found["hex"] or found["four"] or found["eight"]:
        return chr(int(code, 16))
    return _PLAIN.get(found["plain"], found[0])


def write_value(value: Json, depth: int = 0) -> str:
    """Write a value as a Python literal. Raises Unwritable for what is none."""
    if depth > DEPTH:
        raise Unwritable(f"values nested deeper than {DEPTH}")
    match value:
        case None | bool():
            return str(value)
        case str():
            return _quoted(value)
        case dict():
            return "{" + ", ".join(f"{_quoted(key)}: {write_value(each, depth + 1)}" for key, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(write_value(each, depth + 1) for each in value) + "]"
        case _:
            return _number(value)


def _quoted(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", quoted)


def _number(value: float) -> str:
    """Write a number. An integer that Python refuses to write is refused by a ValueError, which Unwritable is."""
    try:
        text = repr(value)
    except ValueError as error:
        raise Unwritable("a number of too many digits") from error
    if len(text) > DIGITS or not isfinite(float(text) if isinstance(value, float) else 0):
        raise Unwritable("a number that is no literal")
    return text
