"""Finds the end of a ReAct action: its name, and its input if one follows, up to the next word that begins a line.

    Action: get_weather
    Action Input: {"city": "Paris"}

A block that something behind it ended has its line break; one that the end of the text closed has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from adapters.lexer import Lexer, Token, begins_line
from adapters.models.python.declared_names import DeclaredNames

Kind = Literal["text", "object", "fence"]

_STYLES = ("{}:", "## {}:", "### {}:", "**{}:**", "**{}**:")


def _words(*names: str) -> tuple[str, ...]:
    return tuple(style.format(name) for name in names for style in _STYLES)


THOUGHTS = _words("Thought", "thought")
ACTIONS = _words("Action", "action")
FINALS = _words("Final Answer", "final answer")
RESULTS = _words("Observation", "observation")

NOTHING = frozenset({"n/a", "na", "none", "null", "no action", "no tool", "no action needed", "none needed", "nothing"})
"""What models write where they want no action, in lower case."""

LONGEST = 120
"""Characters of a line with a name or a label."""

_NAME = re.compile(r"[`\"'*]*(?P<name>[\w.:/-]+)[`\"'*]*\Z")
_ODD = re.compile(r"[^\w.:/`\"'*-]")
_QUERY = re.compile(r"(?P<name>[\w.-]+)\[(?P<query>.*)\]\Z")
_LABELS = ("action input", "action_input", "input", "arguments")
_LABEL = re.compile(rf"\s*[#*]*\s*(?:{'|'.join(_LABELS)})\**:", re.IGNORECASE)
_WORDS = (*THOUGHTS, *ACTIONS, *FINALS, *RESULTS)
_MARKS = (*_WORDS, "{", "}", "[", "]", '"', "'", "\\\\", '\\"', "\\'", "```")
_KINDS: Mapping[str, Kind] = {"{": "object", "[": "object", "```": "fence"}


class ReactScan:
    """The machine. Satisfies `adapters.base.Scan`.

    name      the action's name; empty where the action is an object that holds it
    query     the input that stands behind the name in brackets
    body      where the input begins, None where there is none;  kind: what it is
    complete  the input came to its own end
    """

    def __init__(self, opener: str, names: DeclaredNames) -> None:
        self._names = names
        self._skip = len(opener)
        self._at = len(opener)
        self._line = ""
        self._named = 0
        self._lexer = Lexer(_MARKS)
        self._fresh = False
        self._quote = ""
        self._depth = 0
        self._solid = 0
        self._candidate: int | None = None
        self.name = ""
        self.query: str | None = None
        self.body: int | None = None
        self.kind: Kind | None = None
        self.complete = False

    def feed(self, piece: str) -> int | Literal["no"] | None:
        """Take the next piece of the block."""
        piece, self._skip = piece[self._skip :], max(0, self._skip - len(piece))
        if self.body is not None:
            return self._walk(self._lexer.feed(piece))
        *lines, rest = (self._line + piece).split("\n")
        for at, line in enumerate(lines):
            verdict = self._head(line, ended=True)
            if self.body is not None:
                return self._walk(self._lexer.feed("\n".join((line, *lines[at + 1 :], rest))[self.body - self._at :]))
            if verdict is not None:
                return verdict
            self._at += len(line) + 1
        self._line = rest
        verdict = self._head(rest, ended=False)
        return verdict if self.body is None else self._walk(self._lexer.feed(rest[self.body - self._at :]))

    def finish(self) -> int | Literal["no"]:
        """Say where the block ends now that no more text comes."""
        if self.body is None:
            verdict = self._head(self._line, ended=True) if self._line.strip() else None
            return verdict or self._named or "no"
        end = self._walk(self._lexer.feed("", final=True))
        if end is None:
            end = self._candidate or self._solid or self.body
        return end

    # -- the name and the label

    def _head(self, line: str, *, ended: bool) -> int | Literal["no"] | None:
        """Take a line before the input, or what there is of it."""
        begun = line.strip()
        if not begun and len(line) <= LONGEST:
            return None
        if self._named:
            return self._label(line, begun.lstrip("#* ").rstrip("*").lower()) if begun else self._at
        if begun.startswith(("{", "[", "```")):
            self.body = self._at + line.index(begun[0])
            return None
        if not ended:
            return None if self._may_name(begun) else "no"
        self.name = self._name(begun) if len(line) <= LONGEST else ""
        self._named = self._at + len(line.rstrip())
        return None if self.name else "no"

    def _name(self, line: str) -> str:
        """Return the name on its line, or nothing."""
        found, query = _NAME.match(line), _QUERY.match(line)
        if query and self._names.meant(query["name"]):
            self.query = query["query"]
            return query["name"]
        if found:
            return found["name"].rstrip(".")
        return line if line.lower().rstrip(".") in NOTHING else ""

    def _label(self, line: str, begun: str) -> int | None:
        """Look for the label of the input. Any other line ends the block: the action has none."""
        found = _LABEL.match(line)
        if found and self.query is None:
            self.body = self._at + found.end()
            return None
        return None if any(label.startswith(begun) for label in _LABELS) and self.query is None else self._at

    def _may_name(self, begun: str) -> bool:
        """Tell whether a line that has not ended may be a name. Prose has blanks, and is let go at the first."""
        name, bracket, _ = begun.partition("[")
        if bracket:
            return len(begun) <= LONGEST and self._names.meant(name) is not None
        plain = not _ODD.search(begun) and len(begun) <= LONGEST
        return plain or any(each.startswith(begun.lower().rstrip(".")) for each in NOTHING)

    # -- the input

    def _walk(self, tokens: Iterable[Token]) -> int | None:
        assert self.body is not None
        for token in tokens:
            fresh, self._fresh = self._fresh, begins_line(token, fresh=self._fresh)
            end = self._take(token, self.body + token.start, fresh=fresh)
            if end is not None:
                return end
            if token.text.strip():
                self._solid = self.body + token.start + len(token.text.rstrip())
        return None

    def _take(self, token: Token, start: int, *, fresh: bool) -> int | None:
        if self.kind is None and token.text.strip(" \t\n*"):
            self.kind = _KINDS.get(token.marker, "text")
            if self.kind == "fence":
                return None
        if fresh and token.marker in _WORDS and self.kind != "fence":
            return self._word(start)
        end = start + len(token.text)
        if self.kind == "fence":
            self.complete = fresh and token.marker == "```"
        elif self.kind == "object":
            self._bracket(token.marker)
            self.complete = not self._depth and not self._quote
        return end if self.complete else None

    def _word(self, start: int) -> int | None:
        """A word that begins a line ends the input; inside a string it may be data, unless the string does not end."""
        if self._quote:
            self._candidate = self._candidate or start
            return None
        return start

    def _bracket(self, marker: str) -> None:
        if self._quote:
            self._quote = "" if marker == self._quote else self._quote
        elif marker in ('"', "'"):
            self._quote = marker
        elif marker in ("{", "["):
            self._depth += 1
        elif marker in ("}", "]"):
            self._depth -= 1
