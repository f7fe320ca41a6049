"""Finds text that repeats itself: a cycle of characters, whatever its length up to a bound, or a block of lines.

A cycle is looked for at every 64th character: where do the last 64 stand next before? At that distance the text is compared
from then on. The work for 64 characters is one search in a kilobyte, or one comparison, however the text is cut.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from adapters.guards.repeat import Reason, Repeat, Rope

BLOCK: Final = 64
"""Characters that are looked at together."""

REACH: Final = 1024
"""The longest cycle in characters: 64 tokens have some 300, and of the longest tokens a thousand."""

LINES: Final = 64
"""The longest block of lines."""

LONG_LINE: Final = 4096
"""Characters up to which a line is kept for comparison."""


class Cycles:
    """Takes text in pieces of any size; knows the distance at which it repeats itself, and since when."""

    def __init__(self) -> None:
        self._past = self._block = ""
        self._size = self._run = 0
        self._tokens = self._since = 0

    @property
    def missing(self) -> int:
        """Characters that are missing to the next look."""
        return BLOCK - len(self._block)

    def take(self, text: str, tokens: int, rope: Rope) -> Repeat | None:
        """Take the next piece; `tokens` were there with it."""
        self._block += text
        while len(self._block) >= BLOCK:
            block, self._block = self._block[:BLOCK], self._block[BLOCK:]
            self._compare(block)
            times = self._run // self._size + 1 if self._size else 0
            if rope.spent(self._run, tokens - self._since if tokens else 0, times):
                return Repeat(_reason(self._past[-self._size :]), self._size, self._run, tokens and tokens - self._since)
            self._tokens = tokens
        return None

    def _compare(self, block: str) -> None:
        """Compare a block with the text one cycle before; where it differs, look for another cycle."""
        text = self._past + block
        if not self._size or not text.startswith(block, len(text) - BLOCK - self._size):
            at = text.rfind(block, 0, len(text) - 1)
            self._size = len(text) - BLOCK - at if at >= 0 else 0
            self._run, self._since = 0, self._tokens
        self._run += BLOCK if self._size else 0
        self._past = text[-REACH:]


def _reason(unit: str) -> Reason:
    if "\n" in unit:
        return "repeated-lines"
    return "repeated-token" if len(unit) == 1 else "repeated-cycle"


class _Line(NamedTuple):
    """A line, or None for one too long to compare; the characters and tokens that stood before it."""

    text: str | None
    chars: int
    tokens: int


class LineBlocks:
    """Takes text in pieces of any size; knows at which distances, in lines, it repeats itself, and since which line."""

    def __init__(self) -> None:
        self._lines: deque[_Line] = deque(maxlen=LINES)
        self._texts: dict[str | None, int] = {}
        self._runs: dict[int, _Line] = {}
        self._text: str | None = ""
        self._start = self._start_tokens = self._seen = 0

    def take(self, text: str, tokens: int, rope: Rope) -> Repeat | None:
        """Take the next piece; `tokens` were there with it."""
        if "\n" not in text:
            self._grow(text)
            return None
        *ended, rest = text.split("\n")
        for each in ended:
            self._grow(each, 1)
            found = self._end(tokens, rope)
            if found:
                return found
        self._grow(rest)
        return None

    def _grow(self, text: str, newline: int = 0) -> None:
        self._seen += len(text) + newline
        if self._text is not None:
            self._text = self._text + text if len(self._text) + len(text) <= LONG_LINE else None

    def _end(self, tokens: int, rope: Rope) -> Repeat | None:
        line = _Line(self._text, self._start, self._start_tokens)
        if line.text is None or line.text not in self._texts:
            self._runs = {}
        else:
            known = enumerate(reversed(self._lines), 1)
            self._runs = {distance: self._runs.get(distance, line) for distance, each in known if each.text == line.text}
        for distance, began in self._runs.items():
            chars, size = self._seen - began.chars, line.chars - self._lines[-distance].chars
            if rope.spent(chars, tokens - began.tokens, chars // max(size, 1) + 1):
                return Repeat("repeated-lines", size, chars, tokens - began.tokens)
        self._keep(line)
        self._text, self._start, self._start_tokens = "", self._seen, tokens
        return None

    def _keep(self, line: _Line) -> None:
        """Keep a line, and count it among those that are kept."""
        if len(self._lines) == LINES:
            gone = self._lines[0].text
            self._texts[gone] -= 1
            if not self._texts[gone]:
                del self._texts[gone]
        self._lines.append(line)
        self._texts[line.text] = self._texts.get(line.text, 0) + 1
