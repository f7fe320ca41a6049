"""Finds where a value of a call of keys and values ends. The format has no escapes: everything hangs on what follows a closer.

A value's closer counts where the next key or the call's closer stands behind it. In a value with a line break the next key must
be declared and not given yet: another one belongs to a file about this format, or the model made it up, and the call is
doubtful. A call that opens inside a value is an example in such a file, and the tags up to its closer belong to it, whatever
format it has.

Models leave closers out. A declared key that was not given yet, with a value behind it, ends the value before it; so does the
call's closer where the text ends behind it, or behind one line of value the turn, the line, or another call begins.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from adapters.models.pairs.arg_pairs_head import LONGEST
from adapters.models.pairs.arg_pairs_tags import Kind, Piece


class Place(NamedTuple):
    """Where a value stands. `free`: declared keys that were not given yet; `fixed`: no others can be given."""

    free: frozenset[str]
    fixed: bool


@dataclass(frozen=True, slots=True)
class Closed:
    """The end of a value.

    stop      where what closes it ends
    by_tag    its own closer ended it
    ends      the call ended with it
    key       the key that follows, already read;  again: the tag behind, which belongs to what follows
    broken    it holds a line break, or would if it went on;  behind: words follow, no tag
    doubtful  it may also have ended elsewhere;  cut: the text ended before it was certain that this is its end
    """

    end: int
    stop: int
    by_tag: bool = False
    ends: bool = False
    key: str = ""
    again: Piece | None = None
    broken: bool = False
    behind: bool = False
    doubtful: bool = False
    cut: bool = False


class _Candidate(NamedTuple):
    """A closer that may end the value: its own, or the call's.

    inner   it may close a pair that stands in the value
    broken  the value before it holds a line break
    """

    start: int
    stop: int
    own: bool
    inner: bool = False
    broken: bool = False


@dataclass(slots=True)
class _Next:
    """A key that may be the next one of the call, or data. `loose`: its opener is missing; `behind`: blanks behind its closer."""

    start: int
    loose: bool = False
    text: str = ""
    closed: bool = False
    behind: str = ""


class Value:
    """The machine for one value."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._written = _Written()
        self._candidate: _Candidate | None = None
        self._line = False
        self._next: _Next | None = None
        self._nested = self._examples = self._doubtful = False
        self._ended: int | None = None
        self._passed = False

    def take(self, piece: Piece) -> Closed | None:
        """Take the next piece: the end of the value once it is certain."""
        if self._next:
            return self._in_next(self._next, piece)
        if self._candidate:
            return self._behind(self._candidate, piece)
        self._data(piece)
        return None

    def finish(self, seen: int) -> Closed:
        """The text is over. What holds an example may have ended with the example's closers."""
        doubtful = self._doubtful or self._examples
        candidate = self._candidate
        if candidate:
            own, stop = candidate.own, seen if self._next else candidate.stop
            doubtful = doubtful or (own and candidate.broken)
            return replace(self._at(candidate), stop=stop, ends=not own, doubtful=doubtful, cut=own or self._written.wide)
        end = seen if self._ended is None else self._ended
        doubtful = doubtful or (self._passed and end == seen)
        return Closed(end, end, broken=self._written.broken, doubtful=doubtful, cut=True)

    # -- data, and what may be the end of it

    def _data(self, piece: Piece) -> None:
        written = self._written
        if piece.kind == "text":
            written.note(piece.text)
            self._ended = None if piece.text.strip() else self._ended
            return
        kind = piece.kind
        self._ended = (piece.start if self._ended is None else self._ended) if kind == "end" else None
        self._passed = self._passed or kind == "end"
        if self._nested or (written.names_call and kind in ("key", "behind name")):
            self._nested, self._examples = kind != "/call", True
        elif kind == "/call" and written.calls:
            self._examples = True
        elif kind in ("/value", "/call"):
            own = kind == "/value"
            self._candidate = _Candidate(piece.start, piece.end, own, own and written.pairs > 0, written.broken)
            self._line = False
        elif kind == "key":
            self._next = _Next(piece.start)
            return
        written.tag(kind)

    # -- behind a closer

    def _behind(self, candidate: _Candidate, piece: Piece) -> Closed | None:
        kind, own = piece.kind, candidate.own
        if kind == "text":
            return self._text_behind(candidate, piece)
        if kind == "key" and own:
            self._next = _Next(piece.start)
            return None
        if kind == "/call" and own:
            return replace(self._at(candidate), stop=piece.end, ends=True, doubtful=self._doubtful or candidate.inner)
        if kind in ("call", "end") and (own or not self._written.wide):
            doubtful = self._doubtful or (own and candidate.broken)
            return replace(self._at(candidate), ends=not own, again=piece, doubtful=doubtful)
        if kind != "end":
            self._drop(piece)
        return None

    def _text_behind(self, candidate: _Candidate, piece: Piece) -> Closed | None:
        body = piece.text.lstrip()
        self._line = self._line or "\n" in piece.text[: len(piece.text) - len(body)]
        if not body:
            self._written.note(piece.text)
        elif candidate.own and self._begins_key(body):
            self._next = _Next(piece.start, loose=True, text=piece.text)
        elif not candidate.own and self._line and not self._written.wide:
            return replace(self._at(candidate), ends=True, behind=True, broken=True)
        else:
            self._drop(piece)
        return None

    def _drop(self, piece: Piece) -> None:
        """The closer was data."""
        self._candidate = None
        self._data(piece)

    def _begins_key(self, text: str) -> bool:
        return any(key.startswith(text) or key == text.rstrip() for key in self._place.free)

    # -- a key that may follow

    def _in_next(self, key: _Next, piece: Piece) -> Closed | None:
        if piece.kind == "text" and self._grows(key, piece.text):
            return None
        if piece.kind == "key" and not key.text.strip():
            return None
        if piece.kind == "/key" and not key.closed:
            key.closed = True
            return self._judge(key, self._candidate) if self._candidate else None
        if piece.kind in ("value", "type") and key.text.strip() in self._place.free and not key.loose:
            candidate = self._candidate or _Candidate(key.start, key.start, own=False)
            return replace(self._at(candidate), key=key.text.strip(), again=piece)
        self._give_up(key)
        self._data(piece)
        return None

    def _grows(self, key: _Next, text: str) -> bool:
        """Add text to a key, or blanks to what stands behind it; False: it is no key."""
        if key.closed:
            blank = text.isspace() and len(key.behind) <= LONGEST
            key.behind += text if blank else ""
            return blank
        if len(key.text) + len(text) > LONGEST or (key.loose and not self._begins_key((key.text + text).lstrip())):
            return False
        key.text += text
        return True

    def _judge(self, key: _Next, candidate: _Candidate) -> Closed | None:
        """Decide whether a key behind the value's closer is the next one of the call."""
        name = key.text.strip()
        free = name in self._place.free
        strict = candidate.broken and self._place.fixed
        doubtful = self._doubtful or (strict and free == candidate.inner)
        if free or (not strict and not key.loose and is_key(name)):
            return replace(self._at(candidate), key=name, doubtful=doubtful)
        self._doubtful = doubtful
        self._give_up(key)
        return None

    def _give_up(self, key: _Next) -> None:
        """The key was data."""
        self._next = self._candidate = None
        if not key.loose:
            self._written.tag("key")
        self._written.note(key.text)
        if key.closed:
            self._written.tag("/key")
            self._written.note(key.behind)

    def _at(self, candidate: _Candidate) -> Closed:
        return Closed(candidate.start, candidate.stop, candidate.own, broken=candidate.broken, doubtful=self._doubtful)


class _Written:
    """What a value holds so far, as far as it matters.

    broken  it holds a line break;  wide: text stands on several of its lines
    calls   calls that were opened and not closed;  pairs: the same of pairs on this line
    """

    def __init__(self) -> None:
        self.broken = self.wide = False
        self.calls = self.pairs = 0
        self._filled = self._turned = False
        self._last: Kind = "text"
        self._opener: str | None = None

    @property
    def names_call(self) -> bool:
        """Whether a call's opener was the last tag, with no more than a name behind it."""
        return self._opener is not None and bool(self._opener.strip())

    def note(self, text: str) -> None:
        """Note a piece of text."""
        body = text.strip()
        if "\n" in text:
            self.broken, self.pairs = True, 0
        if self._opener is not None:
            name = self._opener + text
            self._opener = name if len(name) <= LONGEST and len(name.split()) <= 1 else None
        if not body:
            self._turned = self._turned or (self._filled and "\n" in text)
            return
        before, behind = text[: text.index(body)], text[len(text.rstrip()) :]
        self.wide = self.wide or "\n" in body or (self._filled and (self._turned or "\n" in before))
        self._filled, self._turned, self._last = True, "\n" in behind, "text"

    def tag(self, kind: Kind) -> None:
        """Note a tag."""
        self._opener = "" if kind == "call" else None
        if kind in ("call", "/call"):
            self.calls = max(0, self.calls + (1 if kind == "call" else -1))
        if kind == "value" and self._last == "/key":
            self.pairs += 1
        elif kind == "/value":
            self.pairs = max(0, self.pairs - 1)
        self._filled, self._last = True, kind


def is_key(text: str) -> bool:
    """Tell whether text may be a key although none of that name is declared."""
    return bool(text) and len(text) <= LONGEST and not any(each.isspace() for each in text)
