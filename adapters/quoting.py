"""Tells quoted markers from meant ones: code fences, code spans and block quotes, as Markdown has them."""

from __future__ import annotations

import re

LINE = 160
"""Characters of a line that are looked at: no fence has a longer opening line."""

_FENCE = re.compile(r"(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(?P<run>`{3,}|~{3,})(?P<info>.*)", re.DOTALL)
_TICKS = re.compile(r"`+")


class Lines:
    """Remembers what decides whether a marker is quoted: an open fence, an open code span, and how its line begins."""

    def __init__(self) -> None:
        self._fence = ""
        self._span = False
        self._line = ""
        self._last = ""
        self._runs = 0

    def take(self, text: str) -> None:
        """Note text that was released."""
        self._span = self._span and "`" not in text and "\n\n" not in self._last + text
        *ended, rest = text.split("\n")
        for line in ended:
            self._grow(line)
            self._end_line()
        self._grow(rest)
        self._last = text[-1:] or self._last

    def _grow(self, text: str) -> None:
        """Note more of the line. A run of backticks counts once, wherever it was cut."""
        runs = len(_TICKS.findall(text))
        self._runs += runs - (text.startswith("`") and self._last == "`" and runs > 0)
        self._line = (self._line + text[:LINE] if self._line else text.lstrip(" \t"))[:LINE]
        self._last = text[-1:] or self._last

    def _end_line(self) -> None:
        found = _FENCE.match(self._line)
        if found and self._fence:
            closes = found["run"].startswith(self._fence) and not found["info"].strip()
            self._fence = "" if closes else self._fence
        elif found and (found["run"][0] == "~" or "`" not in found["info"]):
            self._fence = found["run"]
        self._line = ""
        self._last = "\n"
        self._runs = 0

    def fresh(self) -> None:
        """Note that a thought or a call stood here: what follows begins anew."""
        self._line = self._last = ""
        self._runs = 0

    def quote(self) -> None:
        """Note that a quoted marker follows: what belongs to it is quoted as well, up to the closing backtick."""
        self._span = self._span or (not self._fence and self._runs % 2 == 1)

    @property
    def start(self) -> bool:
        """Whether a line begins here, blanks aside."""
        return not self._line

    @property
    def blank(self) -> bool:
        """Whether a blank stands right before here."""
        return self._last in (" ", "\t")

    @property
    def quoted(self) -> bool:
        """Whether what stands here is quoted."""
        opens_fence = bool((found := _FENCE.match(self._line)) and "`" not in found["info"])
        return bool(self._fence) or self._span or self._runs % 2 == 1 or opens_fence or self._line.startswith("> ")
