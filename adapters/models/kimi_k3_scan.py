"""Walks through Kimi K3's markup: which call, which arguments, and where the block ends.

A tag opens with `<|open|>` or `<|close|>` and ends with `<|sep|>`. A block is one call, with the tag of its group before it; any
other tag that stands alone is a block of its own, which nobody reads. A value has no escapes: its own closer alone ends it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from adapters.lexer import Lexer, Token

OPEN, CLOSE, SEP, END = "<|open|>", "<|close|>", "<|sep|>", "<|end_of_msg|>"
CLOSERS = {"argument": f"{CLOSE}argument{SEP}", "json": f"{CLOSE}json{SEP}"}
"""Element that holds a value -> what closes it."""

Answer: TypeAlias = int | Literal["no"] | None
"""What a scan says: see `adapters.base.Scan`."""

_TAG = re.compile(r"[a-z]{1,24}(?:\s[^\n]{0,400})?\Z")
_CALL = re.compile(r"(?:tools\s*)?call\s")
_ATTRIBUTE = re.compile(r'(\w{1,32})="([^"]*)"')


@dataclass(slots=True)
class Value:
    """An argument: where its text stands. `kind` is its declared type; an element `json` holds all arguments and has no key."""

    key: str | None
    kind: str
    start: int
    end: int = -1


@dataclass(slots=True)
class Called:
    """A call that was found.

    start, end  where its text stands
    closed      it ended by itself, not by the end of the text
    doubtful    there is text between its arguments: a value may have held its own closer
    """

    name: str
    start: int
    end: int = -1
    values: list[Value] = field(default_factory=list)
    closed: bool = False
    doubtful: bool = False


class K3Scan:
    """The machine. Satisfies `adapters.base.Scan`; once it has ended, `called` tells what was found."""

    def __init__(self, tools: object = ()) -> None:
        del tools
        self.called: Called | None = None
        self._lexer = Lexer((OPEN, CLOSE, SEP, END, *CLOSERS.values()))
        self._state: Callable[[Token], Answer] = self._between
        self._closer = ""
        self._tag = ""
        self._begun = self._opens = 0
        self._known = 0
        self._seen = 0

    def feed(self, piece: str) -> Answer:
        """Take the next piece of the block."""
        self._seen += len(piece)
        return self._walk(self._lexer.feed(piece))

    def finish(self) -> int | Literal["no"]:
        """Say where the block ends now that no more text comes."""
        end = self._walk(self._lexer.feed("", final=True))
        if end is None and self.called:
            self.called.end = end = self._seen
        return (self._known or self._seen) if end is None else end

    def _walk(self, tokens: Iterable[Token]) -> Answer:
        for token in tokens:
            end = self._state(token)
            if end is not None:
                return end
        return None

    def _between(self, token: Token) -> Answer:
        """Between tags stands nothing; in a call, perhaps arguments without tags."""
        if token.marker in (OPEN, CLOSE):
            self._begun, self._opens, self._tag = token.start, token.marker == OPEN, ""
            self._state = self._in_tag
        elif token.text.strip():
            if token.marker == END or not self.called:
                return self._stop(token.start)
            self.called.doubtful = bool(self.called.values)
        return None

    def _stop(self, at: int) -> int:
        """End before something that belongs to nothing here; it shows that a call was over."""
        if self.called:
            self.called.end, self.called.closed = at, True
        return at if self.called else self._known

    def _in_tag(self, token: Token) -> Answer:
        if not token.marker:
            self._tag += token.text
            if _TAG.match(self._tag):
                return None
            return self._stop(self._begun) if self._known or self.called else "no"
        if not self._tag and not (self._known or self.called):
            return "no"
        self._state = self._between
        end = (self._opened if self._opens else self._closed)(self._tag, token.end if token.marker == SEP else token.start)
        return self._between(token) if end is None and token.marker in (OPEN, CLOSE) else end

    def _opened(self, tag: str, end: int) -> Answer:
        word = tag.split(maxsplit=1)[0] if tag else ""
        if _CALL.match(tag):
            return self._call(tag, end)
        if self.called and word in CLOSERS:
            given = attributes(tag)
            key = None if word == "json" else given.get("key", "")
            self.called.values.append(Value(key, given.get("type", "string"), end))
            self._closer, self._state = CLOSERS[word], self._in_value
            return None
        if self.called or self._known:
            return self._stop(self._begun)
        self._known = end
        return None if word == "tools" else end

    def _call(self, tag: str, end: int) -> Answer:
        if self.called:
            return self._stop(self._begun)
        self.called = Called(attributes(tag).get("tool", ""), end)
        return None

    def _closed(self, tag: str, end: int) -> Answer:
        if self.called and tag != "call":
            return self._stop(self._begun)
        if self.called:
            self._stop(self._begun)
        return end

    def _in_value(self, token: Token) -> Answer:
        if token.marker == self._closer and self.called:
            self.called.values[-1].end = token.start
            self._state = self._between
        return None


def attributes(tag: str) -> dict[str, str]:
    """Return the attributes of a tag; `&quot;` and `&amp;` are its only escapes."""
    return {key: value.replace("&quot;", '"').replace("&amp;", "&") for key, value in _ATTRIBUTE.findall(tag)}
