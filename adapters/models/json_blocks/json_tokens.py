"""Splits a block of JSON into what its scans look at, whatever way the text is cut: brackets, quotes, escapes and markers.

It judges nothing, unlike `json_end`: in these formats several values may follow each other, brackets may close too often,
and an apostrophe may stand in prose around bare JSON. Which text was JSON its scans decide, by a closing marker or `read_json`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

OPENING, CLOSING = frozenset("{["), frozenset("}]")


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the JSON of a call.

    opener   where the block begins; empty: with its JSON
    closer   where it ends; empty: with its JSON
    stops    other markers at which it has ended, unless they stand in a string
    leads    markers that may stand between the opener and the JSON
    several  without a closer: values that follow each other are one block
    """

    opener: str = ""
    closer: str = ""
    stops: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()
    several: bool = False

    @property
    def marks(self) -> frozenset[str]:
        """All markers."""
        return frozenset({self.opener, self.closer, *self.stops, *self.leads}) - {""}


class JsonToken(NamedTuple):
    """A bracket, a quote, an escape or a marker; or, where `plain`, the text between two of them. `end` counts from the first."""

    text: str
    end: int
    plain: bool = False


class _Kind(NamedTuple):
    """How to find tokens. A beginning of one is at most `held` characters long."""

    pattern: re.Pattern[str]
    prefixes: frozenset[str]
    held: int


@lru_cache(maxsize=64)
def _kind(marks: frozenset[str]) -> _Kind:
    ordered = sorted(marks, key=len, reverse=True)
    pattern = re.compile("|".join([*map(re.escape, ordered), r'["{}\[\]]', r"\\."]), re.DOTALL)
    prefixes = frozenset(mark[:length] for mark in ordered for length in range(1, len(mark)))
    return _Kind(pattern, prefixes, max(map(len, ordered), default=1) - 1)


class JsonTokens:
    """Yields the tokens of a text that comes in pieces. Holds back only what may begin one."""

    def __init__(self, marks: frozenset[str]) -> None:
        self._kind = _kind(marks)
        self._held = ""
        self._at = 0

    def feed(self, piece: str, *, final: bool = False) -> Iterator[JsonToken]:
        """Yield what is certain by now; with `final`, all that is left."""
        text = self._held + piece
        limit = len(text) if final else len(text) - self._open(text)
        at = 0
        while (found := self._kind.pattern.search(text, at)) and found.start() < limit:
            if found.start() > at:
                yield JsonToken(text[at : found.start()], self._at + found.start(), plain=True)
            at = found.end()
            yield JsonToken(found.group(), self._at + at)
        if limit > at:
            yield JsonToken(text[at:limit], self._at + limit, plain=True)
            at = limit
        self._at, self._held = self._at + at, text[at:]

    def _open(self, text: str) -> int:
        """Return how many characters at the end of text may begin a token."""
        slashes = len(text) - len(text.rstrip("\\"))
        if slashes:
            return slashes % 2
        longest = min(self._kind.held, len(text))
        return next((length for length in range(longest, 0, -1) if text[-length:] in self._kind.prefixes), 0)


class Brackets:
    """Counts brackets outside strings."""

    def __init__(self) -> None:
        self.depth = 0
        self.string = False

    @property
    def outside(self) -> bool:
        """Whether no bracket and no string is open."""
        return self.depth <= 0 and not self.string

    def take(self, token: str) -> bool:
        """Take a bracket or a quote, and tell whether it closes the outermost bracket."""
        if token == '"':
            self.string = not self.string
        elif not self.string and token in OPENING:
            self.depth = max(self.depth, 0) + 1
        elif not self.string and token in CLOSING:
            self.depth -= 1
            return self.depth == 0
        return False
