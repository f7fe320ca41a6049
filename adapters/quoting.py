"""Tells quoted markers from meant ones: code fences, code spans and block quotes, as Markdown has them."""

from __future__ import annotations

import re

LINE = 160
"""Characters of a line that are looked at: no fence has a longer opening line."""

_FENCE = re.compile(r"(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(?P<run>`{3,}|~{3,})(?P<info>.*)", re.DOTALL)
_STRETCHES = re.compile(r"`+|[^`]+")
_SHOWS = ("#", "//", "|", "<!--", "--")
"""How a line begins that is a comment, a heading or a row of a table."""
_CITES = re.compile(
    r">|\|(?:.*[^|])?\Z|(?:#+|//+)[ \t]*\Z|<!--(?!.*-->)|\d{1,7}(?:\t|[:-]\Z)|[\w./-]{1,100}:\d{1,7}:(?!\s)|[+-](?:[ \t]{2,})?\Z",
    re.DOTALL,
)
"""What stands before a marker on the line of somebody else's text: a block quote, a cell, a comment, a line of a numbered file,
of `grep` or of a diff. A heading, or a row that has ended, may have the call right behind it: Gemma begins no line for it."""
_LISTS = re.compile(r"(?:[-*+]|\d{1,9}[.)])[ \t]")
_OPENS = re.compile(r"""[\s(\[{:=,"]["'\u201c\u2018\u00ab]\Z""")
"""A quotation mark that opens a quotation, right before a marker; one behind a word closes it."""
_CLOSING = {"\u201c": "\u201d", "\u2018": "\u2019", "\u00ab": "\u00bb"}
INDENTED = 4
"""Blanks before a line that make it code, as Markdown has it: behind an empty line, and in no list."""
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
        self._indent = self._depth = 0
        self._mark = ""
        self._cited = self._listed = self._parted = self._code = self._said = False

    def take(self, text: str) -> None:
        """Note text that was released."""
        if self._line and not self._depth and "\n" not in text and "`" not in text:  # the rest of `_grow` would change nothing
            self._last = (self._last + text)[-2:]
            if self._run:
                self._open, self._run = self._opened_by, 0
            if len(self._line) < LINE:
                self._line = (self._line + text)[:LINE]
            return
        if self._depth:
            self._unquote(text)
        *ended, rest = text.split("\n")
        for line in ended:
            self._grow(line)
            self._end_line()
        self._grow(rest)

    def _grow(self, text: str) -> None:
        """Note more of the line. A run of backticks counts once, wherever it was cut."""
        self._last = (self._last + text)[-2:]
        if "`" in text:
            self._span = False
            for piece in _STRETCHES.finditer(text):
                if piece[0][0] == "`":
                    self._run += len(piece[0])
                else:
                    self._open, self._run = self._opened_by, 0
        elif text:
            self._open, self._run = self._opened_by, 0
        if not self._line:
            body = text.lstrip(" \t")
            if len(body) < len(text):
                self._indent += sum(INDENTED if blank == "\t" else 1 for blank in text[: len(text) - len(body)])
            text = body
        self._line = (self._line + text[:LINE])[:LINE]

    def _unquote(self, text: str) -> None:
        """Look for the end of a quotation that a quotation mark opened: those in it come in pairs. A blank line ends it, too."""
        before = self._last[-1:]
        whole = before + text
        for found in re.compile(re.escape(self._mark)).finditer(whole, len(before)):
            at = max(found.start() - 1, 0)
            self._depth += 1 if _OPENS.match(whole, at, found.end()) else -1 if whole[at] != "\\" else 0
            if not self._depth:
                return
        self._depth = 0 if "\n\n" in whole else self._depth

    @property
    def _opened_by(self) -> int:
        """How many backticks opened the code span that is open behind the last run; none is: 0."""
        if not self._open:
            return self._run
        return 0 if self._run == self._open else self._open

    def _fence_line(self) -> re.Match[str] | None:
        """Read the line as one that opens or closes a fence, which the end of a code span is not."""
        if "```" not in self._line and "~~~" not in self._line:
            return None
        return None if self._carried and self._line.startswith("````") else _FENCE.match(self._line)

    @property
    def _in_code(self) -> bool:
        """Whether the line is one of indented code: only behind something that was said, for a call may be indented as well."""
        return self._indent >= INDENTED and (self._code or (self._parted and self._said and not self._listed))

    def _end_line(self) -> None:
        """Note the end of a line. A named fence right behind the opening one stands in it: such a quotation has two ends."""
        if self._line.strip():
            self._listed = bool(_LISTS.match(self._line)) or (self._listed and self._indent > 1)
            self._code, self._parted, self._said = self._in_code, False, True
        else:
            self._parted = True
        self._indent, self._cited = 0, False
        found = self._fence_line()
        runs = 0 if found or self._fences or "````" not in self._line else len(_LONG.findall(self._line))
        self._span = (runs + self._carried) % 2 == 1 if runs else self._span and self._last[-1:] != "\n"
        self._carried = self._span
        named = bool(found and found["info"].strip())
        opened, self._opened = self._opened, False
        if found and (not self._fences or (opened and named)):
            self._opened = found["run"][0] == "~" or "`" not in found["info"]
            self._fences += [found["run"]] if self._opened else []
        elif found and not named and found["run"].startswith(self._fences[-1]):
            self._fences.pop()
        self._line = ""
        self._last = (self._last + "\n")[-2:]
        self._open = self._run = 0

    def fresh(self) -> None:
        """Note that a thought or a call stood here: what follows begins anew."""
        self._line = self._last = ""
        self._open = self._run = self._indent = self._depth = 0
        self._cited = self._listed = self._parted = self._code = self._said = False

    def quote(self) -> None:
        """Note that a quoted marker follows: what belongs to it is quoted as well, up to the closing backtick."""
        self._span = self._span or (not self._fences and self._opened_by > 0)
        self._cited = self._cited or bool(_CITES.match(self._line))
        if not self._depth and _OPENS.search(self._last):
            self._depth, self._mark = 1, _CLOSING.get(self._last[-1], self._last[-1])

    @property
    def start(self) -> bool:
        """Whether a line begins here, blanks aside."""
        return not self._line

    @property
    def blank(self) -> bool:
        """Whether a blank stands right before here."""
        return self._last[-1:] in (" ", "\t")

    @property
    def shown(self) -> bool:
        """Whether what has no markers of its own is rather shown here than said: quoted, in a comment, in a table."""
        return self._line.startswith(_SHOWS) or self._last[-1:] in ('"', "'", "|")

    @property
    def quoted(self) -> bool:
        """Whether what stands here is quoted."""
        opens_fence = bool((found := self._fence_line()) and "`" not in found["info"])
        cited = self._cited or self._depth > 0 or self._in_code or _CITES.match(self._line) or _OPENS.search(self._last)
        return bool(self._fences) or self._span or self._opened_by > 0 or opens_fence or bool(cited)
