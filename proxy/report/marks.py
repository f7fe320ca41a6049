"""Finds in a text what its reader must not miss: markers of formats, and characters that nobody would see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Final, Literal

MARKER: Final = re.compile(r"<[|/]?[^<>\s]{1,60}[|/]?>|\[/?[A-Z_]{2,30}\]")
"""What looks like a marker of a format, or a token of a template."""

RUNGS: Final = {
    "": "the turn itself",
    "members": "asked for these arguments alone, under a grammar",
    "arguments": "asked for all arguments, under a grammar",
    "call": "asked for a call of any tool, under a grammar",
    "words": "asked again in words",
}
"""What was asked for -> the same in words."""

Kind = Literal["text", "marker", "control", "cut"]
Piece = tuple[Kind, str]
"""A part of a text as it is shown, and what it is; of what was cut out, how much it was."""


def visible(text: str) -> str:
    """Make control characters visible: a record's text must not move anybody's cursor."""
    return text if text.isprintable() else "".join(_shown(each) for each in text)


def pieces(text: str) -> Iterator[Piece]:
    """Yield a text in parts. Joined, they are `visible(text)`."""
    at = 0
    for found in MARKER.finditer(text):
        yield from _plain(text[at : found.start()])
        yield "marker", visible(found[0])
        at = found.end()
    yield from _plain(text[at:])


def _plain(text: str) -> Iterator[Piece]:
    for shows, part in groupby(text, key=_shows):
        joined = "".join(part)
        yield ("text", joined) if shows else ("control", visible(joined))


def _shows(character: str) -> bool:
    return character in "\n\t" or character.isprintable()


def _shown(character: str) -> str:
    if _shows(character):
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
