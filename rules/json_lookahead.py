"""Looks past a quote inside nearly-JSON text: can it be the end of a string, by what follows?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from rules import json_text as parts
from rules.conversation import Json

MAX_EXTRA_CLOSERS: Final = 8

Follows = Literal["no", "next", "end", "open"]
"""What a quote is followed by: nothing that can follow a value; more of the container; the end; the end, closers missing."""


@dataclass(slots=True)
class Open:
    """A container whose closer has not come yet; `key` is the member that waits for its value."""

    value: list[Json] | dict[str, Json]
    key: str = ""

    @property
    def closer(self) -> str:
        return "}" if isinstance(self.value, dict) else "]"


def weight(quotes: int) -> int:
    """Count a run of quotes; three in a row open or close a text block of a program and leave the others in pairs."""
    return 2 * (quotes // 3) + quotes % 3


@dataclass(frozen=True, slots=True)
class Lookahead:
    """Sees the text and the open containers, innermost last. `many`: another value may follow the outermost one."""

    text: str
    stop: int
    stack: list[Open]
    many: bool

    def follows(self, at: int) -> Follows:
        """Say what stands behind a quote that ends just before `at`. Looks ahead no further than the bounds in json_text."""
        depth, spare = len(self.stack), MAX_EXTRA_CLOSERS
        at = self._near(at)
        while at < self.stop and self.text[at] in "}]":
            if depth and self.stack[depth - 1].closer != self.text[at]:
                return "no"
            spare -= 0 if depth else 1
            depth = max(depth - 1, 0)
            if spare < 0:
                return "no"
            at = self._near(at + 1)
        if at >= self.stop:
            return "open" if depth else "end"
        if depth == 0:
            return "end" if self.many and self.text[at] in "{[,;" else "no"
        return self._follows_comma(at + 1, depth) if self.text[at] == "," else "no"

    def _follows_comma(self, at: int, depth: int) -> Follows:
        at = self._near(at)
        closer = self.stack[depth - 1].closer
        if at >= self.stop:
            return "open"
        if self.text[at] == closer:
            return "next"
        pattern = parts.NEAR_KEY if closer == "}" else parts.NEAR_VALUE
        return "next" if pattern.match(self.text, at, self.stop) else "no"

    def _near(self, at: int) -> int:
        blanks = parts.NEAR_BLANKS.match(self.text, at, self.stop)
        assert blanks is not None
        return blanks.end()
