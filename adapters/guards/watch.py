"""Watches an answer as it streams, and says at once when it has become degenerate.

What it says depends on the text, and on the tokens where the server tells them, but not on how many come in an event. The work
for a token is bounded, and so is what is kept.
"""

from __future__ import annotations

import re
from typing import Final

from adapters.guards.cycles import BLOCK, Cycles, LineBlocks
from adapters.guards.floods import Blanks, SameToken, SpecialTokens
from adapters.guards.repeat import CALL, TEXT, Repeat

_STIRS: Final = re.compile(r"[\n<\[]|\A\s*\Z")
"""What one of the guards looks at as soon as it comes: a line's end, what may be a special token, nothing but blanks."""


class Watch:
    """All guards over one answer. Tokens that stir none of them wait until there are enough characters to look at together."""

    def __init__(self) -> None:
        self._tokens = 0
        self._waiting = ""
        self._missing = BLOCK
        self._inside = False
        self._same = SameToken()
        self._cycles = Cycles()
        self._lines = LineBlocks()
        self._marks = SpecialTokens()
        self._blanks = Blanks()

    def take(self, text: str, *, token: bool = False, inside: bool = False) -> Repeat | None:
        """Take the next piece of an answer: what it repeats without end, None while nothing is wrong.

        token   the piece is one token
        inside  a call is being written, whose arguments may be long and dull
        """
        found = None
        if token:
            self._tokens += 1
            found = self._same.take(text, CALL if inside else TEXT)
            if found or not text:
                return found
            if inside == self._inside and len(self._waiting) + len(text) < self._missing and not _STIRS.search(text):
                self._waiting += text
                return None
        if self._waiting:
            waiting, self._waiting = self._waiting, ""
            found = self._look(waiting, self._tokens - token, inside=self._inside)
        self._inside = inside
        return found or self._look(text, self._tokens, inside=inside, token=token)

    def _look(self, text: str, tokens: int, *, inside: bool, token: bool = False) -> Repeat | None:
        rope = CALL if inside else TEXT
        found = None
        for at in range(0, len(text), BLOCK):
            piece = text[at : at + BLOCK]
            found = (
                found
                or self._marks.take(piece, tokens)
                or self._blanks.take(piece, rope, token=token and len(text) <= BLOCK)
                or self._cycles.take(piece, tokens, rope)
                or self._lines.take(piece, tokens, rope)
            )
        self._missing = self._cycles.missing
        return found
