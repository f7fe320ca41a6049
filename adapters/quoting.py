"""Tells quoted markers from meant ones: code fences, code spans and block quotes, as Markdown has them."""

from __future__ import annotations

import re

LINE = 160
"""Characters of a line that are looked at: no fence has a longer opening line."""

_FENCE = re.compile(r"(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(?P<run>`{3,}|~{3,})(?P<info>.*)", re.DOTALL)
_STRETCHES = re.compile(r"`+|[^`]+")
_SHOWS = ("#", "//", "|", "<!--", "--")
"""How a line begins that is a comment, a heading or a row of a table."""
_LONG = re.compile(r"`{4,}")


class Lines:
    """Remembers what decides whether a marker is quoted: an open fence, an open code span, and how its line begins.

    A code span ends at a run of as many backticks as opened it. It goes on over lines where a quoted marker stands in it, or
    where four backticks or more opened it: those quote a fence, while one alone may be a slip.
    """

    def __init__(self) -> None:
        self._fences: list[str] = []
        self._opened = False
        self._span = self._carried = False
        self._line = ""
        self._last = ""
        self._open = self._run = 0

    def take(self, text: str) -> None:
        """Note text that was released."""
        *ended, rest = text.split("\n")
        for line in ended:
            self._grow(line)
            self._end_line()
        self._grow(rest)
        self._last = text[-1:] or self._last

    def _grow(self, text: str) -> None:
        """Note more of the line. A run of backticks counts once, wherever it was cut."""
        self._span = self._span and "`" not in text
        for piece in _STRETCHES.finditer(text):
            if piece[0][0] == "`":
                self._run += len(piece[0])
            else:
                self._open, self._run = self._opened_by, 0
        self._line = (self._line + text[:LINE] if self._line else text.lstrip(" \t"))[:LINE]
        self._last = text[-1:] or self._last

    @property
    def _opened_by(self) -> int:
        """How many backticks opened the code span that is open behind the last run; none is: 0."""
        if not self._open:
            return self._run
        return 0 if self._run == self._open else self._open

    def _fence_line(self) -> re.Match[str] | None:
        """Read the line as one that opens or closes a fence, which the end of a code span is not."""
        return None if self._carried and self._line.startswith("````") else _FENCE.match(self._line)

    def _end_line(self) -> None:
        """Note the end of a line. A named fence right behind the opening one stands in it: such a quotation has two ends."""
        found = self._fence_line()
        runs = 0 if found or self._fences else len(_LONG.findall(self._line))
        self._span = (runs + self._carried) % 2 == 1 if runs else self._span and self._last != "\n"
        self._carried = self._span
        named = bool(found and found["info"].strip())
        opened, self._opened = self._opened, False
        if found and (not self._fences or (opened and named)):
            self._opened = found["run"][0] == "~" or "`" not in found["info"]
            self._fences += [found["run"]] if self._opened else []
        elif found and not named and found["run"].startswith(self._fences[-1]):
            self._fences.pop()
        self._line = ""
        self._last = "\n"
        self._open = self._run = 0

    def fresh(self) -> None:
        """Note that a thought or a call stood here: what follows begins anew."""
        self._line = self._last = ""
        self._open = self._run = 0

    def quote(self) -> None:
        """Note that a quoted marker follows: what belongs to it is quoted as well, up to the closing backtick."""
        self._span = self._span or (not self._fences and self._opened_by > 0)

    @property
    def start(self) -> bool:
        """Whether a line begins here, blanks aside."""
        return not self._line

    @property
    def blank(self) -> bool:
        """Whether a blank stands right before here."""
        return self._last in (" ", "\t")

    @property
    def shown(self) -> bool:
        """Whether what has no markers of its own is rather shown here than said: quoted, in a comment, in a table."""
        return self._line.startswith(_SHOWS) or self._last in ('"', "'", "|")

    @property
    def quoted(self) -> bool:
        """Whether what stands here is quoted."""
        opens_fence = bool((found := self._fence_line()) and "`" not in found["info"])
        return bool(self._fences) or self._span or self._opened_by > 0 or opens_fence or self._line.startswith("> ")
