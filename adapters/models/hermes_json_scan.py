"""Finds where a Hermes block ends, although the closing tag may stand inside a JSON string.

While the JSON is well-formed, its brackets decide. Models leave quotes unescaped, and then brackets and strings cannot be
trusted: a closing tag that stands elsewhere is only a candidate, confirmed by the end of the text or of the turn, or by the
next call.

A code fence may stand around the JSON. Then the closing tag must be there: prose shows calls in fences too.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from rules.conversation import Tools

OPEN, CLOSE, RESPONSE = "<tool_call>", "</tool_call>", "<tool_response>"
ENDS = ("<|im_end|>", "<|endoftext|>")
_MARKS = (OPEN, CLOSE, RESPONSE, *ENDS)
_TOKEN = re.compile(rf'["{{}}\[\]]|\\.|{"|".join(map(re.escape, _MARKS))}', re.DOTALL)
_OPENING, _CLOSING = frozenset("{["), frozenset("}]")
_PREFIXES = frozenset(mark[:length] for mark in _MARKS for length in range(1, len(mark)))
_HELD = max(map(len, _MARKS))
_FENCE = re.compile(r"(?:`{0,3}|~{0,3}|(?:```|~~~)[\w-]{0,20}\s?)\Z")


class Candidate(NamedTuple):
    """A closing tag inside the JSON. `likely`: it stands where the real one would."""

    end: int
    likely: bool


class HermesScan:
    """The machine. Satisfies `adapters.base.Scan`."""

    def __init__(self, tools: Tools) -> None:
        del tools
        self._held = ""
        self._at = self._depth = 0
        self._begun = self._string = self._broken = self._newline = False
        self._last = self._fence = ""
        self._candidate: Candidate | None = None
        self._passed: int | None = None
        self._whole: int | None = None
        self._call = ""

    def feed(self, piece: str) -> int | Literal["no"] | None:
        """Take the next piece of the block."""
        text = self._held + piece
        return self._walk(text, len(text) - _open_end(text))

    def finish(self) -> int | Literal["no"]:
        """Say where the block ends now that no more text comes."""
        end = self._walk(self._held, len(self._held))
        if end is not None:
            return end
        if not self._begun:
            return "no"
        guesses = (self._candidate and self._candidate.end, self._passed, None if self._fence else self._whole)
        guess = next((guess for guess in guesses if guess is not None), None)
        return ("no" if self._fence and self._outside else self._at) if guess is None else guess

    def _walk(self, text: str, limit: int) -> int | Literal["no"] | None:
        base, at = self._at, 0
        end: int | Literal["no"] | None = None
        while end is None and (found := _TOKEN.search(text, at)) and found.start() < limit:
            end = self._plain(text[at : found.start()])
            at = found.end()
            self._at = base + at
            end = end or self._take(found.group())
        if end is None and limit > at:
            end = self._plain(text[at:limit])
            at = limit
        self._at, self._held = base + at, text[at:]
        return end

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
        prose = self._outside and bool(body.strip(" \t\r\n,;`~" if self._fence else " \t\r\n,;"))
        self._broken = self._broken or prose
        return "no" if prose and self._fence and self._whole is not None else None

    def _fenced(self, text: str) -> Literal["no"] | None:
        """Before the JSON: blanks, or the opener of a code fence."""
        begun = (self._fence + text).lstrip()
        self._fence = begun.rstrip() + ("\n" if begun[-1:].isspace() else "")
        return None if _FENCE.match(self._fence) else "no"

    @property
    def _outside(self) -> bool:
        return self._depth <= 0 and not self._string

    def _pass(self) -> None:
        """The candidate was not confirmed: data, unless nothing better comes."""
        if self._candidate and self._candidate.likely and self._passed is None:
            self._passed = self._candidate.end
        self._candidate, self._call = None, ""

    def _take(self, token: str) -> int | Literal["no"] | None:
        newline, self._newline = self._newline, False
        if token == OPEN and self._at == len(OPEN):
            return None
        if token == CLOSE:
            return self._close()
        if token in _MARKS:
            return self._next(token, newline=newline)
        if self._call and self._candidate:
            return self._another(token, self._candidate)
        if not self._begun and (token not in _OPENING or 0 < len(self._fence) < 3):
            return "no"
        self._begun = True
        self._pass()
        self._last = token[-1]
        self._json(token)
        return None

    def _another(self, token: str, candidate: Candidate) -> int | Literal["no"] | None:
        """Behind a candidate in a string and `<tool_call>`: a real call begins `{"`; inside a string the quote is escaped."""
        if token == '"' and self._call in _OPENING:
            return candidate.end
        if token in _OPENING and self._call == OPEN:
            self._call = token
            return None
        self._pass()
        return self._take(token)

    def _json(self, token: str) -> None:
        if token == '"':
            self._broken = self._broken or self._outside
            self._string = not self._string
        elif self._string:
            return
        elif token in _OPENING:
            self._depth = max(self._depth, 0) + 1
        elif token in _CLOSING:
            self._depth -= 1
            if self._depth == 0 and not self._broken:
                self._whole = self._at

    def _close(self) -> int | Literal["no"] | None:
        if not self._begun:
            return "no"
        if self._outside and not self._broken:
            return self._at
        self._pass()
        self._candidate = Candidate(self._at, not self._string or self._last in ("}", "]"))
        return None

    def _next(self, token: str, *, newline: bool) -> int | Literal["no"] | None:
        """The next call, or the end of the turn: it confirms a candidate, and ends a block whose closer is missing."""
        if not self._begun:
            return "no"
        start = self._at - len(token)
        if self._fence and self._outside and not self._candidate and self._passed is None:
            return "no"
        if self._candidate and self._string and token == OPEN:
            self._call = token
            return None
        if self._candidate and self._candidate.likely:
            return self._candidate.end
        if newline and self._passed is not None:
            return self._passed
        if not self._string and (not self._broken) and (self._depth <= 0 or token != OPEN):
            return start
        self._pass()
        self._last = ">"
        return None


def _open_end(text: str) -> int:
    """Return how many characters at the end of text may begin a token."""
    slashes = len(text) - len(text.rstrip("\\"))
    if slashes:
        return slashes % 2
    last = text.rfind("<", max(0, len(text) - _HELD))
    return len(text) - last if last >= 0 and text[last:] in _PREFIXES else 0
