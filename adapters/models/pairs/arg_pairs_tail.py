"""Looks behind a finished call of keys and values for closers that show that it had not ended there.

A value may hold what looks like the end of its call. Then the call's own closers come later, in what looks like text: on the
same line, or anywhere behind a value with a line break.
"""

from __future__ import annotations

from adapters.models.pairs.arg_pairs_tags import Piece


class Tail:
    """The machine. `stop`: where the block ends; `found`: closers were found that nothing behind the call accounts for."""

    def __init__(self, stop: int, *, broken: bool = False, words: bool = False) -> None:
        self.stop = stop
        self.broken = broken
        self.words = words
        self.found = self._value = False

    def take(self, piece: Piece) -> bool:
        """Take the next piece; true: all is seen that matters."""
        if piece.kind == "text":
            body = piece.text.lstrip()
            if not self.broken and not self.words and "\n" in piece.text[: len(piece.text) - len(body)]:
                return True
            self.words = self.words or bool(body)
            self._value = self._value and not body
        elif piece.kind in ("call", "end"):
            return True
        elif piece.kind == "/value" or (piece.kind == "/call" and self._value):
            if not self.words or piece.kind == "/call":
                self.stop, self.found = piece.end, True
            self._value = piece.kind == "/value"
        elif piece.kind != "/call" or self.words:
            self.words, self._value = True, False
        return False
