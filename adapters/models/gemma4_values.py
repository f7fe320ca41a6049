"""The values of Gemma 4's calls: strings between `<|"|>` markers, everything else bare.

A recursive descent by position, one look at each character. Besides the proper form it reads ordinary quotes, `key=value`,
parentheses and a missing string marker, all of them seen from the real model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from math import inf

from adapters.base import Unwritable
from rules.conversation import Json

MARK = '<|"|>'
DEPTH = 64
DIGITS = 400
"""Longer numbers stay text: Python refuses to read an integer of more than 4,300 digits."""
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?\Z")
_INTEGER = re.compile(r"(-?(?:0|[1-9][0-9]{0,15}))(?:,|(?=\]))")
_WORDS: Mapping[str, Json] = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_KEY = re.compile(
    r"\s*(?:<\|\"\|>(?P<marked>.*?)<\|\"\|>"
    r"|\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<bare>[^\s:={}\[\](),\"'<]+))\s*[:=]"
)
_NEXT = re.compile(r"\s*,\s*(?P<key>[^\s:={}\[\](),\"'<]+)\s*[:=]")
_BARE_KEY = re.compile(r"[^\s:={}\[\](),\"'<]+")
_BARE_END = re.compile(r'[,}\])]|<\|"\|>')
_AFTER = re.compile(r"\s*(?:[,}\])]|\Z)")
_CLOSES = {"{": "}", "(": ")", "[": "]"}


class _Broken(Exception):
    """Raised inside this module where the text is no value."""


def read_arguments(text: str, schema: Mapping[str, Json], *, closed: bool) -> tuple[dict[str, Json] | None, bool]:
    """Read an object in braces or parentheses at the start of text.

    Returns the object (None where it cannot be read) and whether it is known to be whole: every string and bracket was closed,
    and either the closing marker was seen (`closed`) or all strings stood between markers, so that no brace in them can have
    been taken for the object's own.
    """
    reader = _Reader(text, schema, closed)
    try:
        value = reader.object(0, top=True)
    except _Broken:
        return None, False
    if reader.rest.strip(" \t\r\n})],"):
        return None, False
    return value, reader.complete and (closed or reader.exact)


class _Reader:
    """One walk through the text. `complete` turns false where the text ended before a value did."""

    def __init__(self, text: str, schema: Mapping[str, Json], closed: bool) -> None:
        self._text = text
        self._schema = schema
        self._closed = closed
        self._at = 0
        self._mark = -1
        self._open: list[str] = []
        self.complete = True
        self.exact = True

    @property
    def rest(self) -> str:
        return self._text[self._at :]

    def object(self, depth: int, *, top: bool = False) -> dict[str, Json]:
        closer = self._enter(depth)
        out: dict[str, Json] = {}
        while not self._leave(closer):
            key = _KEY.match(self._text, self._at)
            if key is None:
                self._lost()
                return out
            self._at = key.end()
            name = next(group for group in key.groups() if group is not None).strip()
            value = self._value(depth, self._schema.get(name) if top else None, top=top)
            if name in out and out[name] != value:
                raise _Broken(name)
            out[name] = value
            self._comma()
        return out

    def _array(self, depth: int) -> list[Json]:
        closer = self._enter(depth)
        out: list[Json] = []
        while not self._leave(closer):
            if found := _INTEGER.match(self._text, self._at):  # as `_bare` would read it
                self._at, self.exact = found.end(), False
                out.append(int(found[1]))
                continue
            before = self._at
            out.append(self._value(depth, None))
            self._comma()
            if self._at == before:
                raise _Broken("no value")
        return out

    def _enter(self, depth: int) -> str:
        if depth > DEPTH:
            raise _Broken("too deep")
        closer = _CLOSES[self._text[self._at]]
        self._at += 1
        self._open.append(closer)
        return closer

    def _leave(self, closer: str) -> bool:
        self._blanks()
        if self._at >= len(self._text):
            self.complete = False
            self._open.pop()
            return True
        if self._text[self._at] != closer:
            return False
        self._at += 1
        self._open.pop()
        return True

    def _lost(self) -> None:
        """Nothing here is a key: fine at the end of a text that was cut, broken anywhere else."""
        if self._closed or re.search(r"[:={}\[\]]", self._text[self._at :]):
            raise _Broken("no key")
        self._at, self.complete = len(self._text), False

    def _blanks(self) -> None:
        if not self._text[self._at : self._at + 1].isspace():
            return
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def _comma(self) -> None:
        self._blanks()
        if self._text.startswith(MARK, self._at):
            self._at += len(MARK)
            self._blanks()
        if self._text[self._at : self._at + 1] == ",":
            self._at += 1

    def _value(self, depth: int, schema: Json, *, top: bool = False) -> Json:
        begin = self._at
        self._blanks()
        if self._text.startswith(MARK, self._at):
            return self._marked()
        head = self._text[self._at : self._at + 1]
        if head == "{":
            return self.object(depth + 1)
        if head == "[":
            return self._array(depth + 1)
        if head and head in "\"'":
            quoted = self._quoted(head)
            if quoted is not None:
                return quoted
        return self._bare(schema, begin, top=top)

    def _marked(self) -> str:
        start = self._at + len(MARK)
        end = self._text.find(MARK, start)
        if end >= 0 and self._opens_with_key(start):
            raise _Broken("a marker that closes where one should open")
        if end >= 0:
            self._at = end + len(MARK)
            return self._text[start:end]
        self._at = len(self._text)
        self.complete = False
        rest = self._text[start:]
        return self._without_closers(rest) if self._closed else rest

    def _without_closers(self, rest: str) -> str:
        """Drop the brackets that close what is open around a string whose closing marker is missing."""
        for closer in self._open[::-1]:
            rest = rest.rstrip().removesuffix(closer)
        return rest

    def _quoted(self, quote: str) -> str | None:
        """Read an ordinarily quoted string: it ends at a quote behind which a value can end."""
        at = self._at + 1
        while (at := self._text.find(quote, at)) >= 0:
            if not self._escaped(at) and (_AFTER.match(self._text, at + 1) or self._text.startswith(MARK, at + 1)):
                inner = self._text[self._at + 1 : at]
                if quote in inner and self._text.startswith(MARK, at + 1):
                    return None  # the quotes belong to a string whose opening marker is missing
                self._at, self.exact = at + 1, False
                return _unescaped(inner) if quote == '"' else inner
            at += 1
        return None

    def _escaped(self, at: int) -> bool:
        start = at
        while self._text[start - 1] == "\\":
            start -= 1
        return (at - start) % 2 == 1

    def _bare(self, schema: Json, begin: int, *, top: bool) -> Json:
        """Read a value without an opening marker: a literal, or a string that lost its marker."""
        mark = self._closing_mark()
        if _is_text(schema) and mark is not None:
            text, self._at = self._text[begin:mark], mark + len(MARK)
            return text
        end = self._known_key() if top and _is_text(schema) else None
        if end is None:
            found = _BARE_END.search(self._text, self._at)
            end = found.start() if found else len(self._text)
        if end == len(self._text):
            self.complete = False
        self.exact = self.exact and not (_is_text(schema) or not top)
        text, self._at = self._text[self._at : end].strip(), end
        value = text if _is_text(schema) else _literal(text)
        if mark is not None and mark > end and isinstance(value, str):
            raise _Broken("a string without its opening marker, and nothing says where it begins")
        return value

    def _closing_mark(self) -> int | None:
        """Find the next string marker, if it closes: one that opens stands behind a colon, a comma or a bracket."""
        if self._mark < self._at:  # looked for once, for all values before it
            found = self._text.find(MARK, self._at)
            self._mark = found if found >= 0 else len(self._text)
        mark = self._mark
        return (
            mark if self._at < mark < len(self._text) and self._before(mark) not in (":", "=", ",", "[", "{", "(", "") else None
        )

    def _before(self, at: int) -> str:
        """Return the last character before a position that is no blank."""
        at -= 1
        while at >= self._at and self._text[at].isspace():
            at -= 1
        return self._text[at] if at >= self._at else ""

    def _opens_with_key(self, at: int) -> bool:
        """Tell whether a string begins like the next member: its opening marker was the lost value's closing one."""
        found = _NEXT.match(self._text, at)
        return found is not None and found["key"] in self._schema

    def _known_key(self) -> int | None:
        """Find where a string without any quotes ends: before the next known key, or before the last brace."""
        names = "|".join(re.escape(name) for name in self._schema)
        found = re.compile(rf",\s*(?:{names})\s*[:=]|<\|\"\|>").search(self._text, self._at)
        if found:
            return found.start()
        last = self._text.rstrip()
        return len(last) - 1 if last and last[-1] in "})" and len(last) - 1 >= self._at else None


def _is_text(schema: Json) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "string"


def _literal(text: str) -> Json:
    if text in _WORDS:
        return _WORDS[text]
    if len(text) <= DIGITS and _NUMBER.match(text):
        number: int | float = json.loads(text)
        return number if abs(number) != inf else text
    return text


def _unescaped(inner: str) -> str:
    try:
        value = json.loads(f'"{inner}"', strict=False)
    except ValueError:
        return inner
    return value if isinstance(value, str) else inner


def write_value(value: Json) -> str:
    """Write a value in Gemma's form."""
    match value:
        case str():
            if MARK in value:
                raise Unwritable(f"a string that holds {MARK}")
            if _NEXT.match(value):
                raise Unwritable("a string that begins as the next member would")
            return f"{MARK}{value}{MARK}"
        case dict():
            return "{" + ",".join(f"{write_key(key)}:{write_value(each)}" for key, each in value.items()) + "}"
        case list():
            return "[" + ",".join(write_value(each) for each in value) + "]"
        case _:
            return json.dumps(value)


def write_key(key: str) -> str:
    """Write a key bare; one that cannot stand bare cannot be written."""
    if not _BARE_KEY.fullmatch(key):
        raise Unwritable(f"the key {key[:40]!r}")
    return key
