"""Recognises the opener of a section, `<tool_calls>`: it is one where a call of keys and values opens behind it."""

from __future__ import annotations

from typing import Literal

from adapters.models.arg_pairs_head import LONGEST
from adapters.models.arg_pairs_tags import Tags
from adapters.models.arg_pairs_walk import Walk
from rules.conversation import Tools


class SectionScan:
    """Ends where the first call begins. The calls of a section are blocks of their own."""

    def __init__(self, tags: Tags, tools: Tools) -> None:
        self._opener, self._call = tags.opener("tool_calls"), tags.opener("tool_call")
        self._walk = Walk(tags, tools)
        self._begun = ""
        self._end: int | None = None

    def feed(self, piece: str) -> int | Literal["no"] | None:
        """Take the next piece of the block."""
        if self._end is None:
            self._begun += piece
            piece = self._begun[len(self._opener) :].lstrip()
            if not piece.startswith(self._call):
                return None if self._call.startswith(piece) and len(self._begun) <= LONGEST else "no"
            self._end = len(self._begun) - len(piece)
        answer = self._walk.feed(piece)
        if answer == "no":
            return "no"
        return self._end if self._walk.named or answer is not None else None

    def finish(self) -> int | Literal["no"]:
        """Say whether a call had begun now that no more text comes."""
        return "no" if self._end is None or self._walk.finish() == "no" else self._end
