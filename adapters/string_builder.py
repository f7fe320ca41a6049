"""Text that grows piece by piece."""

from __future__ import annotations

from typing import Final

MANY: Final = 512
"""Pieces that are kept apart at most: a token of four characters takes sixty bytes by itself."""


class StringBuilder:
    """Takes pieces, and is their text: linear to build, and hardly larger than the text."""

    __slots__ = ("_joined", "_pieces")

    def __init__(self) -> None:
        self._joined: list[str] = []
        self._pieces: list[str] = []

    def add(self, piece: str) -> None:
        """Add text behind what there is."""
        if piece:
            self._pieces.append(piece)
            if len(self._pieces) >= MANY:
                self._joined.append("".join(self._pieces))
                self._pieces.clear()

    def __str__(self) -> str:
        return "".join([*self._joined, *self._pieces])

    def __bool__(self) -> bool:
        return bool(self._joined or self._pieces)
