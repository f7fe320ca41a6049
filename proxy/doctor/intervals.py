"""How sure a share is that was counted."""

from __future__ import annotations

from math import sqrt
from typing import Final

Z: Final = 1.959964
"""Of the normal distribution, for 95 %."""


def wilson(right: int, of: int) -> tuple[float, float]:
    """Return the bounds within which a share lies with 95 % confidence, by Wilson's score (E. B. Wilson, JASA 1927).

    It holds for few counts, too, and for none or all of them right. Of nothing counted: from 0 to 1.
    """
    if of == 0:
        return 0.0, 1.0
    share, square = right / of, Z * Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = Z / (1 + square / of) * sqrt(share * (1 - share) / of + square / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)
