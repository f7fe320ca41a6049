"""Finds where a wrapped block of JSON ends, although the closing marker may stand inside a JSON string.

While the JSON is well-formed, its brackets decide. Models leave quotes unescaped, and then brackets and strings cannot be
trusted: a closing marker that stands elsewhere is only a candidate, confirmed by the end of the text or of the turn, or by the
next call.

A code fence may stand around the JSON. Then the closing marker must be there: prose shows calls in fences too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from adapters.models.json_blocks.json_tokens import OPENING, Brackets, Frame, JsonToken, JsonTokens
from rules.conversation import Tools

_FENCE = re.compile(r"(?:`{0,3}|~{0,3}|(?:```|~~~)[\w-]{0,20}\s?)\Z")


class Candidate(NamedTuple):
    """A closing marker inside the JSON. `likely`: it stands where the real one would."""

    end: int
    likely: bool


class WrappedScan:
    """The machine. Satisfies `adapters.base.Scan`."""

    def __init__(self, frame: Frame, tools: Tools) -> None:
        del tools
        self._frame = frame
        self._marks = frame.marks
        self._tokens = JsonTokens(self._marks)
        self._brackets = Brackets()
        self._at = 0
        self._begun = self._broken = self._newline = False
        self._last = self._fence = ""
        self._candidate: Candidate | None = None
        self._passed: int | None = None
        self._whole: int | None = None
        self._call = ""

    def feed(self, piece: str) -> int | Literal["no"] | None:
        """Take the next piece of the block."""
        return self._walk(self._tokens.feed(piece))

    def finish(self) -> int | Literal["no"]:
        """Say where the block ends now that no more text comes."""
        end = self._walk(self._tokens.feed("", final=True))
        if end is not None:
            return end
        if not self._begun:
            return "no"
        guesses = (self._candidate and self._candidate.end, self._passed, None if self._fence else self._whole)
        guess = next((guess for guess in guesses if guess is not None), None)
        return ("no" if self._fence and self._brackets.outside else self._at) if guess is None else guess

    def _walk(self, tokens: Iterator[JsonToken]) -> int | Literal["no"] | None:
        for token in tokens:
            self._at = token.end
            end = self._plain(token.text) if token.plain else self._take(token.text)
            if end is not None:
                return end
        return None

    def _plain(self, text: str) -> Literal["no"] | None:
        """Note text between tokens."""
        body = text.rstrip()
        self._newline = text.rfind("\n") >= len(body) or (self._newline and not body)
        if not self._begun:
            return self._fenced(text)
        if not body:
            return None
        self._pass()
        self._last = body[-1]
        prose = self._brackets.outside and bool(body.strip(" \t\r\n,;`~" if self._fence else " \t\r\n,;"))
        self._broken = self._broken or prose
        return "no" if prose and self._fence and self._whole is not None else None

    def _fenced(self, text: str) -> Literal["no"] | None:
        """Before the JSON: blanks, or the opener of a code fence."""
        begun = (self._fence + text).lstrip()
        self._fence = begun.rstrip() + ("\n" if begun[-1:].isspace() else "")
        return None if _FENCE.match(self._fence) else "no"

    def _pass(self) -> None:
        """The candidate was not confirmed: data, unless nothing better comes."""
        if self._candidate and self._candidate.likely and self._passed is None:
            self._passed = self._candidate.end
        self._candidate, self._call = None, ""

    def _take(self, token: str) -> int | Literal["no"] | None:
        newline, self._newline = self._newline, False
        if not self._begun and (token in self._frame.leads or (token == self._frame.opener and self._at == len(token))):
            return None
        if token == self._frame.closer:
            return self._close()
        if token in self._marks:
            return self._next(token, newline=newline)
        if self._call and self._candidate:
            return self._another(token, self._candidate)
        if not self._begun and (token not in OPENING or 0 < len(self._fence) < 3):
            return "no"
        self._begun = True
        self._pass()
        self._last = token[-1]
        self._json(token)
        return None

    def _another(self, token: str, candidate: Candidate) -> int | Literal["no"] | None:
        """Behind a candidate in a string and an opener: a real call begins `{"`; inside a string the quote is escaped."""
        if token == '"' and self._call in OPENING:
            return candidate.end
        if token in OPENING and self._call == self._frame.opener:
            self._call = token
            return None
        self._pass()
        return self._take(token)

    def _json(self, token: str) -> None:
        self._broken = self._broken or (token == '"' and self._brackets.outside)
        if self._brackets.take(token) and not self._broken:
            self._whole = self._at

    def _close(self) -> int | Literal["no"] | None:
        if not self._begun:
            return "no"
        if self._brackets.outside and not self._broken:
            return self._at
        self._pass()
        self._candidate = Candidate(self._at, not self._brackets.string or self._last in ("}", "]"))
        return None

    def _next(self, token: str, *, newline: bool) -> int | Literal["no"] | None:
        """The next call, or the end of the turn: it confirms a candidate, and ends a block whose closer is missing."""
        if not self._begun:
            return "no"
        start = self._at - len(token)
        if self._fence and self._brackets.outside and not self._candidate and self._passed is None:
            return "no"
        if self._candidate and self._brackets.string and token == self._frame.opener:
            self._call = token
            return None
        if self._candidate and self._candidate.likely:
            return self._candidate.end
        if newline and self._passed is not None:
            return self._passed
        ended = self._brackets.depth <= 0 or token != self._frame.opener
        if not self._brackets.string and not self._broken and ended:
            return start
        self._pass()
        self._last = ">"
        return None
