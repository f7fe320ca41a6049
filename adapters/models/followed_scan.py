"""Looks at what follows a block as well: a closing fence that belongs to it, or the end of the turn that it must stand at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from adapters.base import Scan

Follow: TypeAlias = 'Callable[[str], int | Literal["no"] | None]'
"""Looks at what follows, from its first character that is no blank: how much of it belongs to the block, "no", or not yet known.

Nothing at all follows where the text is empty.
"""


class FollowedScan:
    """Scans a block by another scan, then what follows. Satisfies `adapters.base.Scan`."""

    def __init__(self, scan: Scan, follow: Follow) -> None:
        self._scan = scan
        self._follow = follow
        self._pieces: list[str] = []
        self._end: int | None = None
        self._blank = 0
        self._rest = ""

    def feed(self, piece: str) -> int | Literal["no"] | None:
        """Take the next piece of the block."""
        if self._end is not None:
            return self._look(piece)
        self._pieces.append(piece)
        return self._ended(self._scan.feed(piece))

    def finish(self) -> int | Literal["no"]:
        """Say where the block ends now that no more text comes."""
        found = self._ended(self._scan.finish()) if self._end is None else None
        if found is not None:
            return found
        assert self._end is not None
        if self._rest:  # it was cut: as far as it goes it is what must follow
            return self._end + self._blank + len(self._rest)
        return "no" if self._follow("") == "no" else self._end

    def _ended(self, end: int | Literal["no"] | None) -> int | Literal["no"] | None:
        if end is None or end == "no":
            return end
        self._end = end
        rest, self._pieces = "".join(self._pieces)[end:], []
        return self._look(rest)

    def _look(self, piece: str) -> int | Literal["no"] | None:
        assert self._end is not None
        rest = self._rest + piece
        self._rest = rest.lstrip() if not self._rest else rest
        self._blank += len(rest) - len(self._rest)
        used = self._follow(self._rest) if self._rest else None
        if used is None or used == "no":
            return used
        return self._end + (self._blank + used if used else 0)


def stands_last(rest: str) -> int | Literal["no"]:
    """Let a block be one only at the end of the turn: in front of nothing, or of another marker."""
    return 0 if not rest or rest.startswith("<") else "no"
