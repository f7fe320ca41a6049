"""Writes a range of numbers as a grammar: integers exactly, other numbers by their sign and how many digits they have."""

from __future__ import annotations

from math import ceil, floor, isfinite
from typing import Final

from adapters.structured.relaxed import Unbuildable

MAX_DIGITS: Final = 40
"""Digits that a bound may have. Nobody's argument is longer, and a grammar is as long as the bound."""

FRACTION: Final = 16


def integers(low: float, high: float) -> str:
    """Return the integers from `low` to `high`, both of them included.

    Raises Unbuildable where there is none, or a bound is too long.
    """
    _check(low, high)
    least, most = ceil(low), floor(high)
    if least > most:
        raise Unbuildable(f"no integer lies between {least} and {most}")
    below = f'"-" ({_naturals(max(1, -most), -least)})' if least < 0 else ""
    above = _naturals(max(0, least), most) if most >= 0 else ""
    return " | ".join(part for part in (below, above) if part)


def numbers(low: float, high: float) -> str:
    """Return numbers of about this range: on either side of nought they have no more digits than the bound there."""
    _check(low, high)
    below = f'"-" ({_of_digits(-low)})' if low < 0 else ""
    above = _of_digits(high) if high >= 0 else ""
    whole = " | ".join(part for part in (below, above) if part)
    return f'({whole}) ("." [0-9]{{1,{FRACTION}}})? ([eE] "-" [0-9]{{1,2}})?'


def _of_digits(bound: float) -> str:
    more = len(str(int(bound))) - 1
    return f'"0" | [1-9] [0-9]{{0,{more}}}' if more else "[0-9]"


def _check(low: float, high: float) -> None:
    if not all(isfinite(each) and abs(each) < 10**MAX_DIGITS for each in (low, high)):
        raise Unbuildable("the bound of a number is too long for a grammar")


def _naturals(low: int, high: int) -> str:
    """Return the numbers from `low` to `high`, none of them negative, by how many digits they have."""
    first, last = str(low), str(high)
    if len(first) == len(last):
        return _between(first, last)
    parts = [_between(first, "9" * len(first))]
    if len(last) - len(first) > 1:
        parts.append(f"[1-9] [0-9]{{{len(first)},{len(last) - 2}}}")
    return " | ".join([*parts, _between("1" + "0" * (len(last) - 1), last)])


def _between(low: str, high: str) -> str:
    """Return the digits from `low` to `high`, which have the same length. Of the two inner ranges each has one bound that is
    all nines or all noughts, so this is as long as the bounds.
    """
    if low == high:
        return f'"{low}"'
    rest = len(low) - 1
    if not rest:
        return f"[{low}-{high}]"
    if low[0] == high[0]:
        return f'"{low[0]}" ({_between(low[1:], high[1:])})'
    bottom, top, parts = int(low[0]), int(high[0]), []
    if low[1:] != "0" * rest:
        parts.append(f'"{bottom}" ({_between(low[1:], "9" * rest)})')
        bottom += 1
    if high[1:] != "9" * rest:
        parts.append(f'"{top}" ({_between("0" * rest, high[1:])})')
        top -= 1
    if bottom <= top:
        parts.append(f"[{bottom}-{top}] [0-9]{{{rest}}}")
    return " | ".join(parts)
