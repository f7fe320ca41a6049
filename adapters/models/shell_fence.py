"""Finds where a code fence ends that holds a command, although the command may hold fences of its own.

A here-document's own terminator decides: what stands before it is a file's text. In a fence of more than three backticks that is
not needed: shorter ones in it are text, as Markdown has it.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from adapters.models.end_tokens import without_end

SHELLS = frozenset({"", "bash", "sh", "shell", "zsh", "ksh", "dash", "mswea_bash_command"})
"""What stands behind the backticks of a shell command. `console` shows a session, prompts and output included."""

HEADER = 200
"""Characters of a fence's first line that are looked at."""

_LINE = re.compile(r" {0,3}(?P<run>`{3,})(?P<info>[^`]*)\Z")
_HEREDOC = re.compile(r"""(?<!<)<<(?!<)(?P<dash>-?)[ \t]*(?:'(?P<single>[^']+)'|"(?P<double>[^"]+)"|\\?(?P<bare>[A-Za-z_]\w*))""")


class Ended(NamedTuple):
    """Where the block ends, and where what it holds does. `closed`: by its own fence."""

    block: int
    body: int
    closed: bool = True


class FenceScan:
    """The machine: one line at a time. Satisfies `adapters.base.Scan`.

    kinds  the words behind the backticks that this fence may have
    body   where what it holds begins;  ended: where it ends;  unsure: where it ends cannot be told
    """

    def __init__(self, kinds: frozenset[str]) -> None:
        self._kinds = kinds
        self._pieces: list[str] = []
        self._at = 0
        self._ticks = 0
        self._depth = 0
        self._waits: list[tuple[str, bool]] = []  # words that end a here-document, and whether tabs may stand before them
        self._candidates: list[Ended] = []
        self.body = 0
        self.ended: Ended | None = None
        self.unsure = False

    def feed(self, piece: str) -> int | Literal["no"] | None:
        """Take the next piece of the block."""
        *lines, rest = piece.split("\n")
        for line in lines:
            self._pieces.append(line)
            whole, self._pieces = "".join(self._pieces), []
            verdict = self._line(whole)
            if verdict is not None:
                return verdict
        self._pieces.append(rest)
        if not self.body and not self._may_open("".join(self._pieces)):
            return "no"
        return None

    def finish(self) -> int | Literal["no"]:
        """Say where the block ends now that no more text comes."""
        if not self.body:
            return "no"
        last = "".join(self._pieces)
        self._pieces = []
        verdict = self._line(last)
        if verdict is not None:
            return verdict
        self.unsure = self._depth > 0 or len(self._candidates) > 1
        one = len(self._candidates) == 1 and not self._depth
        self.ended = self._candidates[0] if one else self._open_end(last)
        return self.ended.block

    def _open_end(self, last: str) -> Ended:
        """No fence closes it: what holds to the end of the text, a fence behind the last command and an end token aside."""
        start = self._at - len(last) - 1
        kept = without_end(last)
        command = kept.rstrip("`")
        if not self._depth and not self._waits and len(kept) - len(command) >= self._ticks:
            return Ended(start + len(kept), start + len(command))
        return Ended(start + len(kept), start + len(kept), closed=False)

    def _may_open(self, header: str) -> bool:
        """Tell whether a first line that has not ended may open such a fence."""
        info = header.lstrip("`").strip().lower()
        return len(header) <= HEADER and any(kind.startswith(info) for kind in self._kinds)

    def _line(self, line: str) -> int | Literal["no"] | None:
        """Take a line without its line break. A fence whose first line is a fence is a quotation of one."""
        start, self._at = self._at, self._at + len(line) + 1
        found = _LINE.match(line)
        if not self.body:
            return self._header(line, found)
        if self._waits:
            return self._heredoc(line, found, start)
        if found and len(found["run"]) >= self._ticks:
            info = found["info"].strip().lower()
            return "no" if start == self.body else self._fence(info, start, len(line.rstrip()))
        if self._ticks == 3:
            self._waits += [(_word(each), bool(each["dash"])) for each in _HEREDOC.finditer(line)]
        return None

    def _header(self, line: str, found: re.Match[str] | None) -> Literal["no"] | None:
        if not found or found["info"].strip().lower() not in self._kinds or len(line) > HEADER:
            return "no"
        self._ticks, self.body = len(found["run"]), self._at
        return None

    def _fence(self, info: str, start: int, length: int) -> int | None:
        if info in SHELLS - {""} and not self._depth:  # the next command: this one was never closed
            self.ended = Ended(start, start, closed=False)
        elif info:
            self._depth += 1
        elif self._depth:
            self._depth -= 1
        else:
            self.ended = Ended(start + length, start)
        return self.ended.block if self.ended else None

    def _heredoc(self, line: str, found: re.Match[str] | None, start: int) -> int | None:
        """Take a line of a here-document. A fence in it is text if the terminator follows; if none does, it was the end."""
        word, tabs = self._waits[0]
        if (line.lstrip("\t") if tabs else line).rstrip("\r") == word:
            self._waits.pop(0)
            self._candidates, self._depth = [], 0
        elif found and found["info"].strip():
            self._depth += 1
        elif found and self._depth:
            self._depth -= 1
        elif found:
            self._candidates.append(Ended(start + len(line.rstrip()), start))
        elif len(self._candidates) == 1 and word in map(_word, _HEREDOC.finditer(line)):  # it begins again
            self._waits, self.ended = [], self._candidates[0]
            return self.ended.block
        return None


def _word(found: re.Match[str]) -> str:
    """Return the word that ends a here-document."""
    return found["single"] or found["double"] or found["bare"]
