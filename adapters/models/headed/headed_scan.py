"""Finds where a call ends whose head names the tool and whose arguments follow as JSON.

Mistral, DeepSeek, Kimi K2, gpt-oss and PLaMo 3 write so; what differs is a `Frame`. While the arguments are JSON, their brackets
decide, and a marker inside a string is data. Where they are none, a marker of the frame ends them: the first one in a string that
did not end, else the next. What stands behind whole JSON decides whether it was whole: `{"a": "echo "}` may be the beginning of
`{"a": "echo "}" > f"}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from adapters.lexer import Lexer, Token
from adapters.models.headed.json_end import TOKENS, JsonEnd

Answer: TypeAlias = int | Literal["no"] | None
"""What a scan says: see `adapters.base.Scan`."""

Declared: TypeAlias = Callable[[str], bool]
"""Tells whether a declared tool has this name, or one that begins so."""


@dataclass(frozen=True, slots=True)
class Frame:
    """How a format frames a call.

    openers     markers that only a call or a group of calls begins with
    begun       accepts every beginning of a head, from the first character of the block on; the rest is no call
    head        accepts a whole head, up to the arguments. Groups: `name`, and `list` where the format has one: the bracket that
                opens a list of JSON objects which name their tools themselves
    separators  markers behind which the arguments stand
    inside      other markers that a head may hold
    closers     markers that end a call; in a format without them only a declared tool can do without JSON arguments
    over        markers that stand behind a call: they end it where its closer is missing
    """

    openers: tuple[str, ...]
    begun: re.Pattern[str]
    head: re.Pattern[str]
    separators: tuple[str, ...]
    inside: tuple[str, ...] = ()
    closers: tuple[str, ...] = ()
    over: tuple[str, ...] = ()

    @property
    def tokens(self) -> frozenset[str]:
        """All that a block is cut at."""
        return frozenset((*self.openers, *self.separators, *self.inside, *self.closers, *self.over, *TOKENS))


@dataclass(slots=True)
class Parts:
    """What was found of a call.

    head        the match of the frame's head; None where there is no call
    start, end  where the arguments stand
    closed      a marker ended the call, not the end of the text
    whole       the arguments are JSON that came to its own end
    """

    head: re.Match[str] | None = None
    start: int = 0
    end: int = 0
    closed: bool = False
    whole: bool = False


class HeadedScan:
    """The machine. Satisfies `adapters.base.Scan`; once it has ended, `parts` tells what was found."""

    def __init__(self, frame: Frame, declared: Declared) -> None:
        self.parts = Parts()
        self._frame = frame
        self._declared = declared
        self._endings = frozenset((*frame.closers, *frame.over, *frame.openers))
        self._lexer = Lexer(frame.tokens)
        self._state: Callable[[Token], Answer] = self._in_head
        self._head = ""
        self._json = JsonEnd()
        self._candidate: Token | None = None
        self._passed = False
        self._tail = _Tail()
        self._seen = 0

    def feed(self, piece: str) -> Answer:
        """Take the next piece of the block."""
        self._seen += len(piece)
        return self._walk(self._lexer.feed(piece))

    def finish(self) -> int | Literal["no"]:
        """Say where the block ends now that no more text comes."""
        end = self._walk(self._lexer.feed("", final=True))
        if end is not None:
            return end
        if self._state == self._in_head:
            cut = self._head.startswith(self._frame.openers) or self.parts.start
            return self._without_arguments(self._seen) if cut else "no"
        if self._state in (self._behind, self._aside):
            return self._whole()
        self.parts.end = end = self._seen
        if self._candidate and not self._passed:
            end = self._close(self._candidate)
        self.parts.closed = False  # in a string that did not end, it may as well be data
        return end

    def _walk(self, tokens: Iterable[Token]) -> Answer:
        for token in tokens:
            end = self._state(token)
            if end is not None:
                return end
        return None

    def _close(self, token: Token) -> int:
        """End the arguments before a marker, and the block behind it if it is the call's own."""
        self.parts.end, self.parts.closed = token.start, True
        return token.end if token.marker in self._frame.closers else token.start

    # -- the states

    def _in_head(self, token: Token) -> Answer:
        if token.marker == "{":
            return self._open(token)
        longer = self._head + token.text
        if not self._frame.begun.match(longer):
            return self._no_head(token)
        self._head = longer
        if token.marker in self._frame.separators:
            self.parts.head = self._frame.head.fullmatch(longer)
            self.parts.start = token.end
        return None

    def _no_head(self, token: Token) -> Answer:
        """What follows belongs to no head: a call without arguments, arguments that are no JSON, or no call at all."""
        if token.marker in self._endings:
            end = self._without_arguments(token.start)
            return end if end == "no" else self._close(token)
        if not self._names(self.parts.head):
            return "no"
        self._json.broken, self._state = True, self._in_json
        return None

    def _without_arguments(self, at: int) -> int | Literal["no"]:
        """End a call that has a name and no arguments, or an opener that nothing came of."""
        self.parts.head = self._frame.head.fullmatch(self._head)
        self.parts.start = self.parts.end = at
        return at if self._names(self.parts.head) or self._head.strip() in self._frame.openers else "no"

    def _names(self, head: re.Match[str] | None) -> bool:
        """Tell whether a head is enough for a call, without JSON behind it: prose puts a blank between a marker and a word."""
        if head is None or head["name"] is None:
            return False
        at = head.start("name")
        glued = not self._head[at - 1 : at].isspace()
        return (glued and bool(self._frame.closers)) or self._declared(head["name"])

    def _open(self, token: Token) -> Answer:
        """Begin the JSON, if what stands before it is a head."""
        self.parts.head = found = self._frame.head.fullmatch(self._head)
        if found is None:
            return "no"
        bracket = found.groupdict().get("list") or ""
        self.parts.start = token.start - len(bracket)
        if bracket:
            self._json.take(Token("[", "[", self.parts.start))
        self._state = self._in_json
        return self._in_json(token)

    def _in_json(self, token: Token) -> Answer:
        json = self._json
        if token.marker in self._endings:
            if json.broken or not json.quoted:
                return self._close(token)
            self._candidate = self._candidate or token
            return None
        self._passed = self._passed or (self._candidate is not None and bool(token.text.strip()))
        if json.broken:
            return None
        between = not json.quoted
        json.take(token)
        if json.broken and self._candidate:
            return self._close(self._candidate)
        if between and token.text.strip():  # the last string came to its proper end: what stood in it is data
            self._candidate, self._passed = None, False
        if json.done:
            self.parts.end, self._state = token.end, self._behind
        return None

    def _behind(self, token: Token) -> Answer:
        """Behind whole JSON: what follows on its line shows whether it was whole."""
        if token.marker in self._endings:
            self.parts.whole = self.parts.closed = True
            return token.end if token.marker in self._frame.closers else token.start
        verdict = self._tail.take(token)
        if verdict == "odd":
            self._json.broken, self._state = True, self._in_json
        elif verdict == "over":
            self._state = self._aside
        return self._whole() if verdict == "over" and not self._frame.closers else None

    def _aside(self, token: Token) -> Answer:
        """Behind the line of whole JSON: if the call's own closer still comes, it was not whole."""
        if token.marker in self._frame.closers:
            return self._close(token)
        return self._whole() if token.marker in self._endings else None

    def _whole(self) -> int:
        self.parts.whole = True
        return self.parts.end


class _Tail:
    """Judges what stands behind whole JSON: words on its line may, quotes and brackets may not; with the next line it is over."""

    def __init__(self) -> None:
        self._gap = self._line = self._words = False

    def take(self, token: Token) -> Literal["odd", "over"] | None:
        """Take the next token; "odd": the JSON had not ended, "over": it had, and something else began."""
        body = token.text.lstrip(" \t\r\n`")  # a code fence may close
        gap = token.text[: len(token.text) - len(body)]
        self._gap = self._gap or bool(gap)
        self._line = self._line or "\n" in gap
        if self._line and (self._words or (body and token.marker not in ('"', "}", "]"))):
            return "over"
        if not body:
            return None
        self._words = self._words or (self._gap and body[0].isalpha())
        if not self._words or token.marker:
            return "odd"
        return "over" if "\n" in body else None
