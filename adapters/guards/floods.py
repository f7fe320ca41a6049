"""Finds floods: one token over and over, special tokens in a row, blanks without end."""

from __future__ import annotations

import re
from typing import Final

from adapters.guards.repeat import LONGEST_MARK, MARK, MARKS, Repeat, Rope

_MAY_BEGIN: Final = re.compile(r"[<\[]")
_BLANKS: Final = re.compile(r"\s+")


class SameToken:
    """Counts how often the last token came in a row. Figures are cut into tokens of one: of them any number is right."""

    def __init__(self) -> None:
        self._token = ""
        self._count = 0

    def take(self, token: str, rope: Rope) -> Repeat | None:
        """Take the next token. One without text is special: nothing else is written as nothing, but parts of a character."""
        self._count = self._count + 1 if token == self._token else 1
        self._token = token
        if not token:
            return Repeat("special-token-flood", 1, 0, self._count) if self._count >= MARKS else None
        if self._count < rope.same or token.isdecimal() or token.isspace():
            return None
        return Repeat("repeated-token", len(token), self._count * len(token), self._count)


class SpecialTokens:
    """Counts special tokens in a row, by their looks, blanks between them aside."""

    def __init__(self) -> None:
        self._held = self._last = ""
        self._count = self._chars = 0

    def take(self, text: str, tokens: int) -> Repeat | None:
        """Take the next piece. What may be half a token waits for its rest."""
        if not self._held and not _MAY_BEGIN.search(text):
            self._count, self._chars = (self._count, self._chars) if text.isspace() else (0, 0)
            return None
        text, at, self._held = self._held + text, 0, ""
        while at < len(text):
            found = MARK.match(text, at)
            blank = None if found else _BLANKS.match(text, at)
            if found:
                self._note(found)
            elif not blank and self._is_open(text[at:]):
                self._held = text[at:]
                break
            elif not blank:
                self._count = self._chars = 0
            at = self._next(text, at, found or blank)
            if self._count >= MARKS:
                return Repeat("special-token-flood", len(self._last), self._chars, tokens and self._count)
        return None

    def _note(self, found: re.Match[str]) -> None:
        if found["likely"] and found.group() != self._last:
            self._count = self._chars = 0
        self._count, self._chars, self._last = self._count + 1, self._chars + len(found.group()), found.group()

    def _next(self, text: str, at: int, found: re.Match[str] | None) -> int:
        """Return where to look next: behind what was found, or where a special token may begin."""
        if found:
            return found.end()
        begins = _MAY_BEGIN.search(text, at + 1)
        return begins.start() if begins else len(text)

    @staticmethod
    def _is_open(rest: str) -> bool:
        """Tell whether a text may be the beginning of a special token."""
        return rest[0] in "<[" and len(rest) < LONGEST_MARK and not any(char in ">]" or char.isspace() for char in rest[1:])


class Blanks:
    """Counts blanks in a row."""

    def __init__(self) -> None:
        self._chars = self._tokens = 0

    def take(self, text: str, rope: Rope, *, token: bool) -> Repeat | None:
        """Take the next piece; `token`: it is one."""
        if not text[:1].isspace() and not text[-1:].isspace():
            self._chars = self._tokens = 0
            return None
        blank = text.isspace()
        chars = self._chars + (len(text) if blank else len(text) - len(text.lstrip()))
        self._tokens = self._tokens + token if blank else 0
        if chars >= rope.blanks or self._tokens >= rope.blank_tokens:
            return Repeat("endless-whitespace", 1, chars, self._tokens)
        self._chars = chars if blank else len(text) - len(text.rstrip())
        return None
