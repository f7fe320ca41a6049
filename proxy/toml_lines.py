"""Says on which line of a TOML file each key stands; `tomllib` reads the values but keeps no lines.

The text has passed `tomllib` before, so it is known to be valid: this reader only has to walk over it.
"""

from __future__ import annotations

import re
import tomllib
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Where a value stands: keys and, inside arrays, positions."""

BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*+)*+")
KEY = re.compile(r"""[A-Za-z0-9_-]++|"(?:\\.|[^"\\])*+"|'[^']*+'""")
DOT = re.compile(r"[ \t]*+\.[ \t]*+")
EQUALS = re.compile(r"[ \t]*+=[ \t]*+")
SCALAR = re.compile(
    r'''"""(?>(?:\\.|"{1,2}(?!")|[^"\\])*)"{3,5}|\'\'\'(?>(?:'{1,2}(?!')|[^'])*)'{3,5}'''  # several lines
    r"""|"(?:\\.|[^"\\])*+"|'[^']*+'|[^,\]}\n#]++""",  # one line, or no string at all
    re.DOTALL,
)


def key_lines(text: str) -> dict[Path, int]:
    """Return the line (from 1) of every key, table and array element of a valid TOML text."""
    return _Walk(text).document()


def line_of(lines: dict[Path, int], path: Path) -> int | None:
    """Return the line of a path or, where it stands nowhere, of the nearest thing around it."""
    return next((lines[path[:length]] for length in range(len(path), 0, -1) if path[:length] in lines), None)


class _Walk:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self.counts: dict[Path, int] = {}
        self.seen = (0, 1)  # a position and its line, so that lines are counted once

    def document(self) -> dict[Path, int]:
        table: Path = ()
        self.skip(BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
            self.skip(BLANK)
        return self.lines

    def header(self) -> Path:
        """Read `[a.b]` or `[[a.b]]`; names of arrays of tables stand for their last element."""
        repeated = self.text.startswith("[[", self.at)
        self.at += 2 if repeated else 1
        line = self.line()
        self.skip(BLANK)
        names = self.names()
        path: Path = ()
        for name in names[:-1]:
            path = self.last((*path, name))
        path = (*path, names[-1])
        if repeated:
            self.lines.setdefault(path, line)
            self.counts[path] = self.counts.get(path, 0) + 1
        path = self.last(path)
        self.lines[path] = line
        self.skip(BLANK)
        self.at += 2 if repeated else 1
        return path

    def last(self, path: Path) -> Path:
        return (*path, self.counts[path] - 1) if path in self.counts else path

    def names(self) -> list[str]:
        names = [self.name()]
        while self.skip(DOT):
            names.append(self.name())
        return names

    def name(self) -> str:
        written = self.skip(KEY)
        return next(iter(tomllib.loads(f"{written} = 0")))

    def pair(self, table: Path) -> None:
        line = self.line()
        path = table
        for name in self.names():
            path = (*path, name)
            self.lines.setdefault(path, line)
        self.skip(EQUALS)
        self.value(path)

    def value(self, path: Path) -> None:
        match self.text[self.at]:
            case "[":
                self.array(path)
            case "{":
                self.inline(path)
            case _:
                self.skip(SCALAR)

    def array(self, path: Path) -> None:
        self.at += 1
        position = 0
        while not self.closes("]"):
            self.lines[(*path, position)] = self.line()
            self.value((*path, position))
            position += 1

    def inline(self, path: Path) -> None:
        self.at += 1
        while not self.closes("}"):
            self.pair(path)

    def closes(self, closer: str) -> bool:
        """Step over blanks and commas; tell whether the closer stood there, and step over it too."""
        self.skip(BLANK)
        while self.text[self.at] == ",":
            self.at += 1
            self.skip(BLANK)
        if self.text[self.at] != closer:
            return False
        self.at += 1
        return True

    def skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            return ""
        self.at = found.end()
        return found.group()

    def line(self) -> int:
        at, line = self.seen
        self.seen = (self.at, line + self.text.count("\n", at, self.at))
        return self.seen[1]
