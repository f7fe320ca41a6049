"""Watches an answer as it streams, and says at once when it has become degenerate.

What it says depends on the text, and on the tokens where the server tells them, but not on how many come in an event. The work
for a token is bounded, and so is what is kept.
"""

from __future__ import annotations

from adapters.guards.cycles import BLOCK, Cycles, LineBlocks
from adapters.guards.floods import Blanks, SameToken, SpecialTokens
from adapters.guards.repeat import CALL, TEXT, Repeat


class Watch:
    """All guards over one answer."""

    def __init__(self) -> None:
        self._tokens = 0
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
        rope = CALL if inside else TEXT
        self._tokens += token
        found = self._same.take(text, rope) if token else None
        if not text:
            return found
        pieces = (text,) if len(text) <= BLOCK else [text[at : at + BLOCK] for at in range(0, len(text), BLOCK)]
        for piece in pieces:
            found = (
                found
                or self._marks.take(piece, self._tokens)
                or self._blanks.take(piece, rope, token=token and len(pieces) == 1)
                or self._cycles.take(piece, self._tokens, rope)
                or self._lines.take(piece, self._tokens, rope)
            )
        return found
