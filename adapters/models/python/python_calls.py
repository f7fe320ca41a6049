"""Finds calls in Python's syntax as they come: `[f(a="x", b=3), g()]`, or `f(a="x")` line by line. Nothing is ever evaluated.

One machine finds the end of a block and what is in it, and takes every character once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from adapters.lexer import Lexer
from adapters.lexer import Token as Found
from adapters.models.python.declared_names import DeclaredNames
from adapters.models.python.python_arguments import Arguments
from adapters.models.python.python_lexer import PythonLexer, Token


@dataclass(frozen=True, slots=True)
class Style:
    """How calls are framed.

    opener    the mark before them; empty where the calls themselves begin the block
    closer    the mark behind them, without which calls that are complete are whole all the same
    declared  they count only where they name a declared tool: what does not is prose
    behind    what may follow calls without a closer if they are to be calls, other markup aside
    prints    a call may stand in `print(...)`
    """

    opener: str = ""
    closer: str = ""
    declared: bool = True
    behind: Literal["anything", "lines", "nothing"] = "anything"
    prints: bool = False


@dataclass(slots=True)
class Written:
    """A call as it stands in the text, from the name on. `end`: behind it; None where it was not closed."""

    name: str
    start: int
    arguments: Arguments = field(default_factory=Arguments)
    end: int | None = None
    wraps: int = 0


class PythonCalls:
    """The machine. Satisfies `adapters.base.Scan`; `calls` is what it has read.

    broken  the text of a call was nothing of Python's, from which on only the closer is looked for
    json    it was JSON from the first brace on
    cut     the text ends inside a string, or in a word that is no value
    closed  the closer was seen
    """

    def __init__(self, style: Style, names: DeclaredNames) -> None:
        self._style = style
        self._names = names
        self._skip = len(style.opener)
        self._lexer = PythonLexer(style.closer, len(style.opener))
        self._search: Lexer | None = None
        self._offset = self._seen = self._last = 0
        self._verdict: int | Literal["no"] | None = None
        self._open: Written | None = None
        self._word: Token | None = None
        self._listed = self._done = False
        self.calls: list[Written] = []
        self.broken = self.json = self.cut = self.closed = False

    def feed(self, piece: str) -> int | Literal["no"] | None:
        """Take the next piece of the block."""
        self._seen += len(piece)
        piece, self._skip = piece[self._skip :], max(0, self._skip - len(piece))
        if self._search is not None:
            self._find(self._search.feed(piece))
            return self._verdict
        self._walk(self._lexer.feed(piece))
        begun = self._lexer.begun if self._verdict is None and not self._open else None
        if begun and (self._done or self._word or not self._may_begin(begun.text)):
            self._stray(self._word or begun)
        return self._verdict

    def finish(self) -> int | Literal["no"]:
        """Say where the block ends now that no more text comes."""
        if self._verdict is not None:
            return self._verdict
        if self._search is None:
            self._walk(self._lexer.feed("", final=True))
        if self._search is not None:
            self._find(self._search.feed("", final=True))
        if self._verdict is None and not self.broken and self._open:
            self._verdict = self._cut_off(self._open.arguments)
        if self._verdict is None and self._word:
            self._stray(self._word)
        if self._verdict is None:
            self._verdict = self._left_over()
        return self._verdict

    def _left_over(self) -> int | Literal["no"]:
        if self.broken or not (self.calls or self._style.declared):
            return self._seen
        return self._last if self.calls else "no"

    def _cut_off(self, arguments: Arguments) -> int | Literal["no"]:
        """The text ends inside a call. A weak form needs more than its name and a word: prose has that, too."""
        string = self._lexer.cut_string()
        self.cut = string is not None or not arguments.complete()
        closer = self._style.closer
        if string is not None and closer and (at := string.find(closer)) >= 0:
            self.broken = self.closed = True
            return self._seen - len(string) + at + len(closer)
        prose = self._style.declared and self.cut and string is None and not arguments.told
        return "no" if prose else self._seen

    def _may_begin(self, text: str) -> bool:
        """Tell whether a call may begin so."""
        return not self._style.declared or self._names.may_begin(text) or (self._style.prints and "print".startswith(text))

    def _walk(self, tokens: Iterable[Token]) -> None:
        for token in tokens:
            if self._open:
                self._inside(self._open, token)
            else:
                self._outside(token)
            if self._verdict is not None or self.broken:
                return

    def _find(self, tokens: Iterable[Found]) -> None:
        """Look for the closer only."""
        for token in tokens:
            if token.marker and self._verdict is None:
                self.closed, self._verdict = True, self._offset + token.end

    def _outside(self, token: Token) -> None:
        word, self._word = self._word, None
        mark = token.text if token.kind == "mark" else ""
        if word and not (mark == "(" and self._may_call(word, token)):
            self._stray(word)
            if self.broken and token.kind == "closer":
                self.closed, self._verdict = True, token.end
        elif word:
            self._open = Written(word.text, word.start)
            self.calls.append(self._open)
        elif token.kind == "word" and not self._done:
            self._word = token
        elif mark == "[" and not (self._listed or self.calls):
            self._listed = True
        elif mark == "]" and self._listed and not self._done:
            self._done, self._last = True, token.end
        elif not (mark in (",", ";") and self.calls and not self._done):
            self._stray(token)

    def _may_call(self, word: Token, token: Token) -> bool:
        if not self._style.declared or (self._style.prints and word.text == "print"):
            return True
        return word.end == token.start and self._names.meant(word.text) is not None

    def _stray(self, token: Token) -> None:
        """Take what is no call where one may begin: what stands behind the calls, or a sign that there are none."""
        if token.kind == "closer" and (self._done or not self._listed):
            self.closed, self._verdict = True, token.end
        elif (self._listed and not self._done) or not (self._done or self.calls):
            self._wrong(token)
        else:
            may = {"anything": True, "lines": token.fresh, "nothing": False}[self._style.behind]
            self._verdict = self._last if may or (token.text == "<" and not self._style.closer) else "no"

    def _wrong(self, token: Token) -> None:
        """Take what is nothing of Python's. Before the first call, and in a weak form, the block is none, unless it is JSON."""
        self.json = token.text == "{" and not self.calls and bool(self._style.closer)
        if not self.json and (self._style.declared or not self.calls):
            self._verdict = "no"
            return
        self.broken = True
        if token.kind == "closer":
            self.closed, self._verdict = True, token.end
            return
        self._search, self._offset = Lexer((self._style.closer,)), self._lexer.at
        self._find(self._search.feed(self._lexer.rest))

    def _inside(self, call: Written, token: Token) -> None:
        arguments = call.arguments
        word = arguments.word
        if call.wraps and arguments.closed:  # only what closes `print(` may follow
            self._close(call, token) if token.text == ")" else self._wrong(token)
        elif word and token.text == "(" and self._prints(call) and self._names.meant(word.text):
            call.name, call.start, call.wraps = word.text, word.start, 1
            arguments.restart()
        elif token.kind == "closer" and arguments.complete():  # its parenthesis was forgotten
            self.closed, self._verdict = True, token.end
        elif not arguments.take(token) or (self._prints(call) and not arguments.word):
            self._wrong(token)
        elif arguments.closed and not call.wraps:
            self._close(call, token)

    def _prints(self, call: Written) -> bool:
        """Tell whether this is Python's `print(`, in which nothing but a call may stand."""
        return self._style.prints and call.name == "print" and not self._names.meant(call.name)

    def _close(self, call: Written, token: Token) -> None:
        call.end = self._last = token.end
        self._open = None
