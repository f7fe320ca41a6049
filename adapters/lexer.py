"""Splits text at fixed markers, whatever way the text is cut."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple


class Split(NamedTuple):
    """Text around its first marker. Without a certain one `marker` is empty, and `held` may begin one."""

    before: str
    marker: str
    after: str
    held: str


class Markers:
    """A set of fixed texts to look for; the leftmost wins, and of several the longest."""

    def __init__(self, markers: Iterable[str]) -> None:
        ordered = sorted(set(markers))
        self._pattern = re.compile(_pattern(ordered) if ordered else r"(?!)")
        self._prefixes = frozenset(marker[:length] for marker in ordered for length in range(1, len(marker)))
        self._longest = max(map(len, ordered), default=0)
        firsts = "".join(sorted({marker[:1] for marker in ordered}))
        self._firsts = re.compile(f"[{re.escape(firsts)}]" if firsts else r"(?!)")

    def absent(self, text: str) -> bool:
        """Tell whether no marker stands in text, nor begins in it."""
        return self._firsts.search(text) is None

    def split(self, text: str, *, final: bool = False) -> Split:
        """Split text at the first marker that no longer text could turn into another one."""
        if self.absent(text):
            return Split(text, "", "", "")
        found = self._pattern.search(text)
        cut = len(text) if final else len(text) - self._open(text)
        if found and found.start() < cut:
            return Split(text[: found.start()], found.group(), text[found.end() :], "")
        return Split(text[:cut], "", "", text[cut:])

    def walk(self, text: str, *, final: bool = False) -> Iterator[tuple[str, int, int]]:
        """Yield each marker in text and where it begins and ends, as `split` would find them one after the other.

        Ends with an empty marker: the plain text up to what is held back.
        """
        at, cut = 0, len(text) if final else len(text) - self._open(text)
        while (found := self._pattern.search(text, at)) and found.start() < cut:
            at = found.end()
            yield found.group(), found.start(), at
            if at > cut:
                cut = len(text) - self._open(text[at:])
        yield "", cut, cut

    def at_start(self, text: str) -> str:
        """Return the marker at the start of text, or nothing."""
        found = self._pattern.match(text)
        return found.group() if found else ""

    def undecided(self, text: str) -> bool:
        """Tell whether text is no marker yet, but may become one."""
        return text in self._prefixes and not self.at_start(text)

    def _open(self, text: str) -> int:
        """Return how many characters at the end of text may begin a marker, or a longer one than they are."""
        for length in range(min(self._longest - 1, len(text)), 0, -1):
            if text[-length:] in self._prefixes:
                return length
        return 0


NESTED = 32
"""Levels of common beginnings that a pattern shares; names deeper than that are tried one by one."""


def _pattern(markers: Sequence[str], level: int = 0) -> str:
    """Write a pattern for sorted markers, at least one: common beginnings are looked at once, and the longest marker wins."""
    if level > NESTED:
        return f"(?:{'|'.join(re.escape(marker) for marker in sorted(markers, key=len, reverse=True))})"
    common = _common(markers[0], markers[-1])
    rests = [marker[len(common) :] for marker in markers]
    whole, rests = rests[0] == "", [rest for rest in rests if rest]
    branches = [_pattern(list(group), level + 1) for _, group in groupby(rests, itemgetter(0))]
    return re.escape(common) + (f"(?:{'|'.join(branches)}){'?' if whole else ''}" if branches else "")


def _common(first: str, last: str) -> str:
    """Return how two texts begin alike."""
    length = next((at for at, (one, two) in enumerate(zip(first, last, strict=False)) if one != two), min(len(first), len(last)))
    return first[:length]


@lru_cache(maxsize=256)
def _compiled(markers: frozenset[str]) -> Markers:
    return Markers(markers)


class Token(NamedTuple):
    """A stretch of text. `marker` is empty for plain text; `start` counts characters from the first one fed."""

    marker: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where the stretch ends, exclusive."""
        return self.start + len(self.text)


def begins_line(token: Token, *, fresh: bool) -> bool:
    """Tell whether a line begins behind a token, blanks aside; `fresh`: one began before it."""
    _, newline, last = token.text.rpartition("\n")
    return not last.strip() and bool(newline or fresh)


class Lexer:
    """Yields plain stretches and markers of a text that comes in pieces. Holds back only what may begin a marker."""

    def __init__(self, markers: Iterable[str]) -> None:
        self._markers = _compiled(frozenset(markers))
        self._held = ""
        self._at = 0

    def feed(self, piece: str, *, final: bool = False) -> Iterator[Token]:
        """Yield the tokens that are certain by now; with `final`, all that is left."""
        text, at = self._held + piece, 0
        for marker, start, end in self._markers.walk(text, final=final):
            if start > at:
                yield self._token("", text[at:start])
            if marker:
                yield self._token(marker, marker)
            at = end
        self._held = text[at:]

    def _token(self, marker: str, text: str) -> Token:
        token = Token(marker, text, self._at)
        self._at += len(text)
        return token
