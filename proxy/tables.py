"""Draws a table for a terminal: columns two blanks apart under a ruled head, widths counted without colours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
SPARE: Final = 2
"""How much wider than its title a column is at least, so that titles stand apart."""


def table(head: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[bool] = ()) -> str:
    """Draw a table. `right` says of each column whether it is drawn to the right, title included; without it none is."""
    cells = [[str(each).strip() for each in row] for row in rows]
    widths = [max(len(title) + SPARE, *(_width(row[at]) for row in cells), 0) for at, title in enumerate(head)]
    sides = right or [False] * len(head)
    ruled = ["-" * width for width in widths]
    return "\n".join(_line(row, widths, sides) for row in (head, ruled, *cells))


def _width(text: str) -> int:
    return len(COLOUR.sub("", text))


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    """Write one line, each cell padded to its column's width."""
    padded = []
    for text, width, to_the_right in zip(row, widths, right, strict=True):
        blank = " " * (width - _width(text))
        padded.append(blank + text if to_the_right else text + blank)
    return "  ".join(padded).rstrip()
