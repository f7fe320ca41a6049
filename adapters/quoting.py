"""Tells quoted markers from meant ones: code fences and backticks."""

from __future__ import annotations


class Lines:
    """Remembers what decides whether a marker is quoted: open code fences, and what stands before it on its line."""

    def __init__(self) -> None:
        self.fenced = False
        self._span = False
        self._head = ""
        self._last = ""
        self._ticks = 0

    def take(self, text: str) -> None:
        """Note text that was released."""
        self._span = self._span and "`" not in text and "\n\n" not in self._last + text
        first, *rest = text.split("\n")
        self._head = (self._head + first[:8] if self._head else first.lstrip(" \t"))[:8]
        for line in rest:
            if self._head.startswith("```"):
                self.fenced = not self.fenced
            self._head = line.lstrip(" \t")[:8]
        self._ticks = text.count("`", text.rfind("\n") + 1) + (0 if rest else self._ticks)
        self._last = text[-1:] or self._last

    def fresh(self) -> None:
        """Note that a thought or a call stood here: what follows begins anew."""
        self._head = self._last = ""
        self._ticks = 0

    def quote(self) -> None:
        """Note that a quoted marker follows: what belongs to it is quoted as well, up to the closing backtick."""
        self._span = not self.fenced

    @property
    def start(self) -> bool:
        """Whether a line begins here, blanks aside."""
        return not self._head

    @property
    def closed(self) -> bool:
        """Whether a backtick that stands here has closed its code span: what ends a turn may follow it."""
        return not self.fenced and not self._head.startswith("```") and self._ticks % 2 == 0

    @property
    def quoted(self) -> bool:
        """Whether what stands here is quoted: in a code fence or right behind a backtick."""
        return self.fenced or self._span or self._last == "`" or self._head.startswith("```")
