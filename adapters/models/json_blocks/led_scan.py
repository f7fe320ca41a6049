"""Scans JSON behind words that lead up to it, such as the first line of a code fence."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, TypeAlias

from adapters.base import Scan

MayLead: TypeAlias = Callable[[str, bool], bool]
"""Says whether a text can stand before the JSON: as it is (true), or if it went on (false)."""

LONGEST = 256
"""Characters that may stand before the JSON."""

_BRACKET = re.compile(r"[{\[]")


class LedScan:
    """Passes the JSON on to another scan. Satisfies `adapters.base.Scan`."""

    def __init__(self, may_lead: MayLead, scan: Scan) -> None:
        self._may_lead = may_lead
        self._scan = scan
        self._words = ""
        self._begun = False

    def feed(self, piece: str) -> int | Literal["no"] | None:
        """Take the next piece of the block."""
        if self._begun:
            return self._behind_words(self._scan.feed(piece))
        text = self._words + piece
        bracket = _BRACKET.search(text)
        self._words, self._begun = (text[: bracket.start()] if bracket else text), bracket is not None
        if len(self._words) > LONGEST or not self._may_lead(self._words, self._begun):
            return "no"
        return self._behind_words(self._scan.feed(text[len(self._words) :])) if self._begun else None

    def finish(self) -> int | Literal["no"]:
        """Say where the block ends now that no more text comes."""
        end = self._behind_words(self._scan.finish()) if self._begun else None
        return "no" if end is None else end

    def _behind_words(self, end: int | Literal["no"] | None) -> int | Literal["no"] | None:
        return end + len(self._words) if isinstance(end, int) else end
