"""Walks through a block of functions and parameters written as tags: which there are, and where the block ends.

The tags themselves are the format's own: `tags` cuts them out, and `head` knows how a block begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from adapters.models.tags.qwen_xml_head import Head, Named
from adapters.models.tags.qwen_xml_tags import Kind, Tags, Token, Tokens, Vocabulary, words
from adapters.models.tags.qwen_xml_tail import Keep, Tail
from adapters.models.tags.qwen_xml_value import Closed, Place, Value

Answer = int | Literal["no"] | None
"""What a scan says: see `adapters.base.Scan`."""


@dataclass(slots=True)
class Function:
    """A function found: where it stands, its parameters, or the value (`body`) that stands in place of them.

    doubtful  something in it could not be placed, or it may have ended earlier
    """

    name: str
    start: int
    end: int = -1
    values: list[Closed] = field(default_factory=list)
    body: Closed | None = None
    closed: bool = False
    doubtful: bool = False


class Opening(Protocol):
    """Reads how a block begins."""

    def take(self, token: Token) -> Named | Literal["no"] | None:
        """Take the next token, the opener first: the function it names, or "no" as soon as this can be no call."""


class Way(NamedTuple):
    """How a block is written.

    wrapped  functions stand in a wrapper;  strict: it is a block only where it holds a parameter or comes to its end
    exact    values stand right between their tags, and every element is closed (see `Place`)
    """

    tags: Tokens
    head: Opening
    wrapped: bool
    strict: bool = False
    exact: bool = True


def qwen(known: Vocabulary, *, wrapped: bool, strict: bool) -> Walk:
    """Walk through a block of Qwen's."""
    head = Head(known.tools, wrapped=wrapped, strict=strict)
    return Walk(known, Way(Tags(words(known.names, known.writing)), head, wrapped, strict, exact=False))


class Walk:
    """The machine. Satisfies `adapters.base.Scan`; once it has ended, `functions` tells what was found."""

    def __init__(self, vocabulary: Vocabulary, way: Way) -> None:
        self.functions: list[Function] = []
        self._vocabulary = vocabulary
        self._tags, self._head = way.tags, way.head
        self._wrapped, self._strict, self._exact = way.wrapped, way.strict, way.exact
        self._state: Callable[[Token], Answer] = self._in_head
        self._value: Value | None = None
        self._tail: Tail | None = None
        self._known: frozenset[str] = frozenset()
        self._given: set[str] = set()
        self._unclosed: set[str] = set()
        self._seen = self._indent = 0
        self._newline = False

    def feed(self, piece: str) -> Answer:
        """Take the next piece of the block."""
        self._seen += len(piece)
        return self._walk(self._tags.feed(piece))

    def finish(self) -> int | Literal["no"]:
        """Say where the block ends now that no more text comes."""
        end = self._walk(self._tags.feed("", final=True))
        if end is None and self._value:
            closed = self._value.finish(self._seen)
            end = self._end_value(closed)
            if closed.unproven and self._function.closed:
                self._function.closed = False
                return self._function.end
            if closed.cut:
                return self._stop(closed.end)
        if end is None and self._tail:
            return self._settle(self._tail)
        if end is not None:
            return end
        if not self.functions or (self._strict and not self._function.values and not self._function.closed):
            return "no"
        return self._stop(self._seen)

    @property
    def _function(self) -> Function:
        return self.functions[-1]

    def _walk(self, tokens: Iterable[Token]) -> Answer:
        for token in tokens:
            end = self._state(token)
            if end is not None:
                return end
        return None

    # -- before, between and behind parameters

    def _in_head(self, token: Token) -> Answer:
        named = self._head.take(token)
        if named is None or named == "no":
            return named
        self._open_function(named.name, token)
        if named.rest:
            return self._body_text(token.end - len(named.rest), named.rest)
        return self._in_body(token) if named.again else None

    def _open_function(self, name: str, token: Token) -> None:
        self.functions.append(Function(name, token.start))
        self._known = self._vocabulary.properties.get(name, frozenset())
        self._given, self._unclosed = set(), set()
        self._indent = max(self._indent, token.indent or 0)
        self._newline = False
        self._tail, self._state = None, self._in_body

    def _in_body(self, token: Token) -> Answer:
        kind = token.kind
        if kind == "text":
            return self._body_text(token.start, token.text)
        if kind == "parameter" or (kind == "<name>" and token.name in self._known):
            return self._open_value(token, "/parameter" if kind == "parameter" else "</name>")
        if kind in ("/function", "/wrapper") or (kind == "</name>" and token.name == self._function.name):
            return self._close_function(token.end, wrapper=kind == "/wrapper")
        if kind == "/parameter" and token.name:  # the parameter that it closes ended before: its value may hold tags like these
            self._function.doubtful = True
        if kind in ("wrapper", "end") or (kind == "function" and not self._wrapped):
            return self._stop(token.start)
        if kind == "function":
            self._close_function(token.start, wrapper=False)
            self._open_function(token.name, token)
        return None

    def _body_text(self, start: int, text: str) -> Answer:
        """Text where a parameter should stand: JSON, a bare value, or prose that only names the tag."""
        body = text.lstrip()
        blanks = len(text) - len(body)
        self._newline = self._newline or "\n" in text[:blanks]
        if not body:
            return None
        if self._function.values:
            self._function.doubtful = True
            return None
        if not (body[0] in "{[" or self._wrapped or (self._newline and self._function.name in self._vocabulary.tools)):
            return "no"
        return self._enter(Token("text", start + blanks, start + len(text), body), start + blanks, "text")

    def _open_value(self, token: Token, closer: Kind) -> Answer:
        self._indent = max(self._indent, token.indent or 0)
        return self._enter(token, token.end, closer)

    def _enter(self, token: Token, start: int, closer: Kind) -> Answer:
        self._given.add(token.name)
        free = self._known - self._given
        name, known = self._function.name, self._vocabulary
        place = Place(closer, token.name, name, free, known.tools, self._indent, name in known.fixed, self._exact)
        self._value = Value(start, place)
        self._state = self._in_value
        return self._in_value(token) if closer == "text" else None

    def _in_value(self, token: Token) -> Answer:
        if token.kind == "/parameter" and token.name in self._unclosed:  # that parameter had not ended where it seemed to
            self._function.doubtful = True
        closed = self._value.take(token) if self._value else None
        return self._end_value(closed) if closed else None

    def _end_value(self, closed: Closed) -> Answer:
        function = self._function
        body = bool(self._value and self._value.bare)
        if body:
            function.body = closed
        else:
            function.values.append(closed)
        function.doubtful = function.doubtful or closed.doubtful
        self._given.add(closed.name)
        if closed.name and not closed.by_tag:
            self._unclosed.add(closed.name)
        self._value, self._state = None, self._in_body
        end = self._close_function(closed.stop, wrapper=closed.reach == 3) if closed.reach > 1 else None
        return self._state(closed.again) if end is None and closed.again else end

    def _close_function(self, end: int, *, wrapper: bool) -> int | None:
        self._function.closed, self._function.end = True, end
        values = self._function.values
        keep: Keep = "no" if not values else "all" if values[-1].wide else "line"
        tail = Tail(end, keep, wrapped=self._wrapped and not wrapper)
        self._tail, self._state = tail, self._in_tail
        return self._settle(tail) if tail.certain else None

    def _in_tail(self, token: Token) -> Answer:
        """Behind a function: its wrapper's closer, one more function, or text."""
        assert self._tail is not None
        verdict = self._tail.take(token)
        if verdict == "next":
            self._open_function(token.name, token)
        return self._settle(self._tail) if verdict == "over" and self._tail else None

    def _settle(self, tail: Tail) -> int:
        if tail.found:
            self._function.doubtful, self._function.end = True, tail.stop
        return tail.stop

    def _stop(self, at: int) -> int:
        self._function.end = at
        return at
