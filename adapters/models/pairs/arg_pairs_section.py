"""Recognises the opener of a section, `<tool_calls>`: it is one where a call of keys and values opens behind it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from adapters.models.pairs.arg_pairs_head import Head
from adapters.models.pairs.arg_pairs_tags import Piece, Pieces, Tags
from rules.conversation import Tools


class SectionScan:
    """Ends where the first call begins. The calls of a section are blocks of their own."""

    def __init__(self, tags: Tags, tools: Tools) -> None:
        self._pieces = Pieces(tags)
        self._head = Head(tools)
        self._end: int | None = None

    def feed(self, piece: str) -> int | Literal["no"] | None:
        """Take the next piece of the block."""
        return self._walk(self._pieces.feed(piece))

    def finish(self) -> int | Literal["no"]:
        """Say whether a call had begun now that no more text comes."""
        answer = self._walk(self._pieces.feed("", final=True))
        if answer is not None:
            return answer
        return "no" if self._end is None or self._head.finish() == "no" else self._end

    def _walk(self, pieces: Iterable[Piece]) -> int | Literal["no"] | None:
        return next((answer for piece in pieces if (answer := self._take(piece)) is not None), None)

    def _take(self, piece: Piece) -> int | Literal["no"] | None:
        if self._end is not None:
            named = self._head.take(piece)
            return self._end if named and named != "no" else named
        if piece.start == 0 or piece.text.isspace():
            return None
        self._end = piece.start
        return None if piece.kind == "call" else "no"
