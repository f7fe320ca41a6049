"""Lets a fence count only where the answer ends with it: a fenced call between two halves of an explanation is an example."""

from __future__ import annotations

from typing import Literal

from adapters.base import Scan
from adapters.models.end_tokens import END_TOKENS

FOLLOWS = ("```", "<returncode>", "<output>", "OBSERVATION:", "Observation:", *END_TOKENS)
"""What may stand behind it all the same: the next fence, an invented result, the end of the turn."""


class LastFence:
    """The scan of a fence, and of what follows it. Satisfies `adapters.base.Scan`."""

    def __init__(self, fence: Scan) -> None:
        self._fence = fence
        self._seen = 0
        self._end: int | None = None
        self._behind = ""

    def feed(self, piece: str) -> int | Literal["no"] | None:
        """Take the next piece of the block."""
        self._seen += len(piece)
        if self._end is None:
            end = self._fence.feed(piece)
            if not isinstance(end, int):
                return end
            self._end = end
            piece = piece[len(piece) - (self._seen - end) :]
        self._behind = (self._behind + piece).lstrip()
        if self._behind.startswith(FOLLOWS):
            return self._end
        return None if any(each.startswith(self._behind) for each in FOLLOWS) else "no"

    def finish(self) -> int | Literal["no"]:
        """Say where the block ends now that no more text comes."""
        if self._end is None:
            return self._fence.finish()
        return "no" if self._behind else self._end
