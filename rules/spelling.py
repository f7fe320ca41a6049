"""How names are spelled: what is the same name in other letters, what is a slip of the pen, and what is another word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from rules.words import WORDS

MAX_NAME: Final = 60
"""Characters of a name that are compared; a longer one is nobody's slip."""

_FRAME: Final = " \t\r\n\"'`-:"
_SEPARATORS: Final = re.compile(r"[-_.\s]+")
_BETWEEN_DIGITS: Final = re.compile(r"(?<=\d)[-_.\s]+(?=\d)")
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_FAR: Final = 6
"""Characters by which two spellings of a name may differ in length: two slips, and the dashes between a few words."""

_SHORT, _LONG = 4, 8
"""Letters of a word from which on one and two slips are taken for slips: `min` and `max` are two letters apart."""


@lru_cache(maxsize=4096)
def squeezed(name: str) -> str:
    """Return a name as it is compared: case, dashes, underscores, dots and blanks say nothing, but between digits they do."""
    bare = name[: MAX_NAME * 2].strip(_FRAME).casefold()
    return _SEPARATORS.sub("", _BETWEEN_DIGITS.sub("\0", bare))


@lru_cache(maxsize=4096)
def words(name: str) -> tuple[str, ...]:
    """Return the words of a name, in lower case: `maxResults`, `max-results` and `MAX_RESULTS` are max and results."""
    return tuple(each.casefold() for each in _WORD.findall(name[:MAX_NAME]))


def slips(written: str, declared: str) -> int | None:
    """Return how many letters of a name were slips of the pen; None: it is another name.

    No word of it may be short, or turned into another word or another number; a singular for a plural is one slip.
    """
    if max(len(written), len(declared)) > MAX_NAME or abs(len(written) - len(declared)) > _FAR:
        return None
    mine, theirs = words(written), words(declared)
    if len(mine) != len(theirs):
        return _slips_of_word(squeezed(written), squeezed(declared))
    each = [0 if one == other else _slips_of_word(one, other) for one, other in zip(mine, theirs, strict=True)]
    return None if None in each else sum(count or 0 for count in each)


def _slips_of_word(one: str, other: str) -> int | None:
    if len(other) < _SHORT or one in WORDS or not (one.isalpha() and other.isalpha()):
        return 1 if is_plural(one, other) else None
    most = 1 if len(other) < _LONG else 2
    count = distance(one, other, most)
    return count if count <= most else None


def is_plural(one: str, other: str) -> bool:
    """Say whether one of two words is the plural of the other."""
    short, long = sorted((one, other), key=len)
    return len(short) >= _SHORT and long == f"{short}s"


def differs_in_number(written: str, declared: str) -> bool:
    """Say whether a name is another but for a plural: `page` and `pages` may mean different things."""
    return any(is_plural(one, other) for one, other in zip(words(written), words(declared), strict=False))


def distance(one: str, other: str, most: int) -> int:
    """Return how many letters must be added, left out, changed or swapped with their neighbour to turn a word into another.

    Beyond `most` it is only said that there are more.
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: Sequence[int] = ()
    row: Sequence[int] = range(len(other) + 1)
    for at, letter in enumerate(one):
        earlier, before = before, row
        row = [at + 1] + [most + 1] * len(other)
        for to in range(max(0, at - most), min(len(other), at + most + 1)):
            row[to + 1] = min(before[to] + (letter != other[to]), before[to + 1] + 1, row[to] + 1)
            if at and to and letter == other[to - 1] and one[at - 1] == other[to]:
                row[to + 1] = min(row[to + 1], earlier[to - 1] + 1)
    return min(row[-1], most + 1)
