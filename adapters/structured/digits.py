"""Writes a range of numbers as a grammar."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor, isfinite
from typing import Final

from adapters.structured.relaxed import Unbuildable

MAX_DIGITS: Final = 40
"""Digits that a bound may have. Nobody's argument is longer, and a grammar is as long as the bound."""

FRACTION: Final = 16

_TINY: Final = f'[1-9] ("." [0-9]{{1,{FRACTION}}})? [eE] "-" ("0"? [1-9] | [1-9] [0-9])'
"""Less than one, as Python and JavaScript spell it."""


def integers(low: float, high: float) -> str:
    """Return the integers from `low` to `high`, both of them included.

    Raises Unbuildable where there is none, or a bound is too long.
    """
    _check(low, high)
    least, most = ceil(low), floor(high)
    if least > most:
        raise Unbuildable(f"no integer lies between {least} and {most}")
    return _signed(_naturals, least, most, 1)


def numbers(low: float, high: float) -> str:
    """Return the numbers from `low` to `high`, where these are whole; else from and to the next whole ones outside."""
    _check(low, high)
    least, most = floor(low), ceil(high)
    if least > most:
        raise Unbuildable(f"no number lies between {least} and {most}")
    return _signed(_decimals, least, most, 0)


def _signed(written: Callable[[int, int], str], low: int, high: int, nearest: int) -> str:
    """Return the numbers from `low` to `high` on both sides of nought, whose negative ones begin at `-nearest`."""
    below = f'"-" ({written(max(nearest, -high), -low)})' if low < 0 else ""
    above = written(max(0, low), high) if high >= 0 else ""
    return " | ".join(part for part in (below, above) if part)


def _decimals(low: int, high: int) -> str:
    """Return the decimals from `low` to `high`, none of them negative. The last one has no fraction but noughts."""
    last = f'"{high}" ("." "0"{{1,{FRACTION}}})?'
    if low == high:
        return last
    less = f'({_naturals(low, high - 1)}) ("." [0-9]{{1,{FRACTION}}})?'
    return " | ".join([less, last] if low else [less, last, _TINY])


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
