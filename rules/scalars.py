"""How single values are spelled where JSON spells them in one way."""

from __future__ import annotations

from typing import Final

from rules.conversation import Json

MAX_BITS: Final = 10_000
"""Size of a whole number that is written out: Python refuses to write much larger ones."""


def as_text(value: Json) -> str | None:
    """Return a whole number or a boolean as text; None for anything else: 3.1 may have been written 3.10."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) and value.bit_length() < MAX_BITS else None
