"""Delta debugging: the smallest part of something that still fails.

The algorithm is ddmin (Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002): ever smaller pieces are
tried alone, then left out, until none of the single units can be left out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Fails: TypeAlias = Callable[[tuple[T, ...]], Awaitable[bool]]
"""Tells whether a part fails as the whole does."""


async def ddmin(units: Sequence[T], fails: Fails[T]) -> tuple[T, ...]:
    """Return units, in their order, that fail together while without any one of them they would not. All of them must fail."""
    kept, parts = tuple(units), 2
    if not kept or await fails(()):
        return ()
    while len(kept) > 1:
        pieces = _pieces(kept, parts)
        alone = await _first(pieces, fails)
        if alone is not None:
            kept, parts = alone, 2
            continue
        rest = await _first((_without(pieces, place) for place in range(len(pieces))), fails)
        if rest is not None:
            kept, parts = rest, max(parts - 1, 2)
        elif parts >= len(kept):
            break
        else:
            parts = min(parts * 2, len(kept))
    return kept


def _pieces(units: tuple[T, ...], parts: int) -> list[tuple[T, ...]]:
    size = -(-len(units) // parts)
    return [units[at : at + size] for at in range(0, len(units), size)]


def _without(pieces: Sequence[tuple[T, ...]], place: int) -> tuple[T, ...]:
    return tuple(unit for at, piece in enumerate(pieces) if at != place for unit in piece)


async def _first(parts: Iterable[tuple[T, ...]], fails: Fails[T]) -> tuple[T, ...] | None:
    for part in parts:
        if await fails(part):
            return part
    return None
