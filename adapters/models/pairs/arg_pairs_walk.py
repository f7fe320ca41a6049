"""Walks through a call of keys and values: which tool, which pairs, and where the block ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from adapters.models.pairs.arg_pairs_head import LONGEST, Head, Named
from adapters.models.pairs.arg_pairs_tags import Piece, Pieces, Tags
from adapters.models.pairs.arg_pairs_tail import Tail
from adapters.models.pairs.arg_pairs_value import Closed, Place, Value, is_key
from adapters.models.tool_parameters import properties, takes_more
from rules.conversation import Tools, ToolSpec

Answer = int | Literal["no"] | None
"""What a scan says: see `adapters.base.Scan`."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A key and where its value stands. `type`: what the model says that it is; `framed`: a line break before a tag ends it."""

    key: str
    start: int
    end: int
    type: str = ""
    framed: bool = False


@dataclass(slots=True)
class Found:
    """What was found. `doubtful`: something in it could not be placed, or it may have ended elsewhere."""

    name: str = ""
    tool: ToolSpec | None = None
    pairs: list[Pair] = field(default_factory=list)
    closed: bool = False
    doubtful: bool = False


class Walk:
    """The machine. Satisfies `adapters.base.Scan`; once it has ended, `found` tells what there is.

    Until the name turns out to be declared, or a value has begun, whatever is out of place shows that this is no call.
    """

    def __init__(self, tags: Tags, tools: Tools) -> None:
        self.found = Found()
        self._pieces = Pieces(tags)
        self._head = Head(tools)
        self._state: Callable[[Piece], Answer] = self._in_head
        self._certain = False
        self._key = self._type = ""
        self._start = self._opened = self._end = self._seen = 0
        self._value: Value | None = None
        self._tail = Tail(0)

    def feed(self, piece: str) -> Answer:
        """Take the next piece of the block."""
        self._seen += len(piece)
        return self._walk(self._pieces.feed(piece))

    def finish(self) -> int | Literal["no"]:
        """Say where the block ends now that no more text comes."""
        end = self._walk(self._pieces.feed("", final=True))
        if end is None and self._state == self._in_head:
            end = self._call(self._head.finish())
        if end is None and self._value:
            closed = self._value.finish(self._seen)
            end = self._end_value(closed)
            self.found.closed = self.found.closed and not closed.cut
            end = closed.stop if end is None else end
        if end is not None:
            return end
        if self._state in (self._in_tail, self._spoken):
            return self._settle()
        return self._stop(self._opened if self._state == self._behind_opener else self._seen)

    def _walk(self, pieces: Iterable[Piece]) -> Answer:
        for piece in pieces:
            end = self._state(piece)
            if end is not None:
                return end
        return None

    # -- the name, and what may stand between pairs

    def _in_head(self, piece: Piece) -> Answer:
        if piece.start == 0:
            return None
        named = self._head.take(piece)
        if named is None:
            return None
        if named != "no" and piece.kind == "/call" and named.tool is None:
            self._end, self.found.closed, self._state = piece.end, True, self._spoken
        end = self._call(named)
        return end if end is not None or self._state == self._spoken else self._state(piece)

    def _call(self, named: Named | Literal["no"]) -> Literal["no"] | None:
        if named == "no":
            return "no"
        self.found.name, self.found.tool, self._key = named
        self.found.doubtful = not named.name
        self._certain = named.tool is not None
        if self._state == self._in_head:
            self._state = self._in_key if named.key else self._in_body
        return None

    def _spoken(self, piece: Piece) -> Answer:
        """Behind an undeclared name that stands alone between the call's tags: with words behind it, it is spoken of."""
        body = piece.text.lstrip(" \t")
        if piece.kind == "text" and not body.startswith("\n"):
            return "no" if body else None
        return self._end

    def _in_body(self, piece: Piece) -> Answer:
        match piece.kind:
            case "text":
                return self._text_for_key(piece.text)
            case "key":
                self._key, self._state = "", self._in_key
            case "behind name":
                self._certain = True
            case "value":
                return self._strange() or self._open_value(piece.end)
            case "call":
                self._key, self._opened, self._state = "", piece.start, self._behind_opener
            case "/call" | "end":
                return self._leave(piece)
            case _:
                return self._strange()
        return None

    def _text_for_key(self, text: str) -> Answer:
        """Text where a key should open: a key whose opener is missing."""
        if not text.strip():
            return None
        self._key, self._state = text, self._in_key
        return None if self._certain else "no"

    def _behind_opener(self, piece: Piece) -> Answer:
        """The call's opener inside the call: it stands for a key's, or the next call begins before this one was closed."""
        if piece.kind == "text":
            self._key += piece.text
            words = self._key.strip()
            return None if not words or is_key(words) else self._stop(self._opened)
        if piece.kind != "/key" or not self._key.strip():
            return self._stop(self._opened)
        self._state = self._behind_key
        return None

    # -- pairs

    def _in_key(self, piece: Piece) -> Answer:
        match piece.kind:
            case "text":
                return self._more_of_key(piece.text)
            case "key":
                odd, self._key = bool(self._key.strip()), ""
                return self._strange() if odd else None
            case "/key":
                self._state = self._behind_key
            case "value" | "type":
                self._state = self._behind_key
                return self._behind_key(piece)
            case "/value":
                return self._strange()
            case _:
                return self._strange() or self._leave(piece)
        return None

    def _more_of_key(self, text: str) -> Answer:
        if len(self._key) <= LONGEST:
            self._key += text
        words = self._key.strip()
        return None if not words or is_key(words) or any(key.startswith(words) for key in self._known) else self._strange()

    def _behind_key(self, piece: Piece) -> Answer:
        match piece.kind:
            case "text":
                body = piece.text.lstrip()
                if not body:
                    return None
                return self._open_value(piece.end - len(body), piece._replace(text=body)) if self._certain else "no"
            case "value":
                return self._open_value(piece.end)
            case "type":
                self._type, self._state = "", self._in_type
            case "key":
                self._key, self._state = "", self._in_key
                return self._strange()
            case "/key":
                return None
            case _:
                return self._strange() or self._leave(piece)
        return None

    def _in_type(self, piece: Piece) -> Answer:
        if piece.kind == "text":
            self._type += piece.text if len(self._type) <= LONGEST else ""
            return None
        self._state = self._behind_key
        return None if piece.kind == "/type" else self._behind_key(piece)

    def _open_value(self, start: int, first: Piece | None = None) -> Answer:
        self._certain, self._start = True, start
        given = {pair.key for pair in self.found.pairs} | {self._key.strip()}
        self._value = Value(Place(self._known - given, not takes_more(self.found.tool)))
        self._state = self._in_value
        return self._in_value(first) if first else None

    def _in_value(self, piece: Piece) -> Answer:
        closed = self._value.take(piece) if self._value else None
        return self._end_value(closed) if closed else None

    def _end_value(self, closed: Closed) -> Answer:
        key, self._key = self._key.strip(), closed.key
        framed = not closed.by_tag and not (closed.cut and not closed.ends)
        self.found.pairs.append(Pair(key, self._start, closed.end, self._type.strip(), framed))
        self.found.doubtful = self.found.doubtful or closed.doubtful or not key
        self._value, self._type = None, ""
        self._tail = Tail(closed.stop, broken=closed.broken, words=closed.behind)
        self._state = self._behind_key if closed.key else self._in_body
        end = self._close(closed.stop) if closed.ends else None
        return self._state(closed.again) if end is None and closed.again else end

    # -- the end

    @property
    def _known(self) -> frozenset[str]:
        return properties(self.found.tool)

    def _strange(self) -> Literal["no"] | None:
        """Something is out of place."""
        self.found.doubtful = True
        return None if self._certain else "no"

    def _leave(self, piece: Piece) -> Answer:
        return self._close(piece.end) if piece.kind == "/call" else self._stop(piece.start)

    def _close(self, end: int) -> Answer:
        self.found.closed = True
        self._tail = Tail(end, broken=self._tail.broken, words=self._tail.words)
        self._state = self._in_tail
        return None if self.found.pairs else end

    def _in_tail(self, piece: Piece) -> Answer:
        return self._settle() if self._tail.take(piece) else None

    def _settle(self) -> int:
        if self._state == self._spoken:
            return self._end
        self.found.doubtful = self.found.doubtful or self._tail.found
        return self._tail.stop

    def _stop(self, at: int) -> int | Literal["no"]:
        """The call ends without its closer."""
        return at if self._certain or self.found.pairs else "no"
