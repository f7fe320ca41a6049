"""Splits Python's text of calls into words, strings and marks, whatever way the text is cut.

It is as Python's own, with two liberties that models take: a string in single quotes may hold line breaks, and an apostrophe
between two letters does not end one (`'it's'`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from adapters.models.python.python_literals import DIGITS, unescape

Kind = Literal["word", "string", "mark", "closer", "odd"]

_WORD = re.compile(r"[\w.+-]+")
_SPACE = re.compile(r"\s+")
_INSIDE = {
    "'": re.compile(r"(?:[^'\\]++|\\.)*+", re.DOTALL),
    '"': re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL),
    "'''": re.compile(r"(?>(?:[^'\\]++|\\.|'(?=..)(?!''))*)", re.DOTALL),
    '"""': re.compile(r'(?>(?:[^"\\]++|\\.|"(?=..)(?!""))*)', re.DOTALL),
}
"""What a string holds for certain, by its quotes: all up to its end, an open escape, or quotes that may be the first of three."""
_LAST = {
    "'''": re.compile(r"(?>(?:[^'\\]++|\\.|'(?!''))*)", re.DOTALL),
    '"""': re.compile(r'(?>(?:[^"\\]++|\\.|"(?!""))*)', re.DOTALL),
}
"""The same where no more text comes."""
_RAW = frozenset({"r", "R"})
_PLAIN = frozenset({"u", "U"})


class Token(NamedTuple):
    """A piece of the text. `text` is a string's value; `fresh`: a line break stands before it; `odd`: nothing of Python's."""

    kind: Kind
    text: str
    start: int
    end: int
    fresh: bool


class PythonLexer:
    """The machine. Holds back only what the next characters decide.

    closer  the format's own mark behind the calls; inside a string it is data
    """

    def __init__(self, closer: str, start: int) -> None:
        self._closer = closer
        self._text = ""
        self._base = start
        self._at = 0
        self._quote = ""
        self._raw = False
        self._start = 0
        self._parts: list[str] = []
        self._comment = self._fresh = False

    def feed(self, piece: str, *, final: bool = False) -> Iterator[Token]:
        """Yield the tokens that are certain by now."""
        self._text = self._text[self._at :] + piece
        self._base, self._at = self._base + self._at, 0
        while self._at < len(self._text):
            before = self._at
            token = self._string(final) if self._quote else self._plain(final)
            if token:
                yield token
            elif self._at == before:
                return

    @property
    def at(self) -> int:
        """Where the text begins that no token was made of yet."""
        return self._base + self._at

    @property
    def rest(self) -> str:
        """The text that no token was made of yet."""
        return self._text[self._at :]

    @property
    def begun(self) -> Token | None:
        """The word that is not known to have ended."""
        found = None if self._quote or self._comment else _WORD.match(self._text, self._at)
        return Token("word", found[0], self.at, self.at + len(found[0]), self._fresh) if found else None

    def cut_string(self) -> str | None:
        """Return what a string holds that did not end, once all text was fed."""
        return "".join(self._parts) + self.rest if self._quote else None

    def _plain(self, final: bool) -> Token | None:
        text, at = self._text, self._at
        if self._comment:
            end = text.find("\n", at)
            self._comment, self._at = end < 0, len(text) if end < 0 else end
            return None
        if space := _SPACE.match(text, at):
            self._fresh, self._at = self._fresh or "\n" in space[0], space.end()
            return None
        if text[at] == "#":
            self._comment = True
            self._at += 1
            return None
        if word := _WORD.match(text, at):
            return self._word(word[0], final)
        if text[at] in "'\"":
            return self._opens(final)
        if self._closer and self._closer.startswith(text[at : at + len(self._closer)]):
            whole = text.startswith(self._closer, at)
            return self._token("closer", self._closer) if whole else self._mark(at) if final else None
        return self._mark(at)

    def _mark(self, at: int) -> Token:
        return self._token("mark", self._text[at])

    def _word(self, word: str, final: bool) -> Token | None:
        end = self._at + len(word)
        if len(word) > DIGITS:
            return self._token("odd", word[:DIGITS])
        if end == len(self._text):
            return self._token("word", word) if final else None
        if self._text[end] not in "'\"":
            return self._token("word", word)
        if word not in _RAW | _PLAIN:
            return self._token("odd", word)
        return self._opens(final, prefix=word)

    def _opens(self, final: bool, prefix: str = "") -> Token | None:
        """Begin a string: two quotes are an empty one, three open one that line breaks and quotes may stand in."""
        at = self._at + len(prefix)
        quote = self._text[at]
        run = self._text[at : at + 3]
        if not final and len(run) < 3 and run == quote * len(run):
            return None
        if run[:2] == quote * 2 and run != quote * 3:
            return self._token("string", "", length=len(prefix) + 2)
        self._quote = run if run == quote * 3 else quote
        self._raw, self._start = prefix in _RAW, self._base + self._at
        self._at = at + len(self._quote)
        return None

    def _string(self, final: bool) -> Token | None:
        """Take what a string holds, up to its end or to what the next characters decide."""
        text, quote = self._text, self._quote
        found = (_LAST if final and quote in _LAST else _INSIDE)[quote].match(text, self._at)
        assert found is not None
        self._take(found.end())
        if not text.startswith(quote, self._at):
            return None
        behind = text[self._at + 1 : self._at + 2]
        if quote == "'" and self._letter():
            if not behind and not final:
                return None
            if behind.isalpha():
                self._take(self._at + 1)
                return None
        return self._ends()

    def _take(self, end: int) -> None:
        """Take text into the string."""
        if end > self._at:
            self._parts.append(self._text[self._at : end])
            self._at = end

    def _letter(self) -> bool:
        """Tell whether the last character of the string so far is a letter."""
        return bool(self._parts) and self._parts[-1][-1].isalpha()

    def _ends(self) -> Token:
        value, self._parts = "".join(self._parts), []
        length, self._quote = len(self._quote), ""
        token = self._token("string", value if self._raw else unescape(value), length=length)
        return token._replace(start=self._start)

    def _token(self, kind: Kind, text: str, *, length: int | None = None) -> Token:
        begin = self._base + self._at
        self._at += len(text) if length is None else length
        fresh, self._fresh = self._fresh, False
        return Token(kind, text, begin, self._base + self._at, fresh)
