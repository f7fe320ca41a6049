"""A machine that reads one JSON value, or what is certainly meant as one, in one pass without recursion.

A string is the hard part: models leave the quotes inside it unescaped. A quote ends a string only where what follows can
follow a value. Once a string is known to hold raw quotes, they are expected in pairs: code such as `{"a": "b", "c": 1}`
inside a value looks like the next member, but only after an odd number of quotes. An odd number at the very end is refused:
the text may have been cut behind a string of such code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NoReturn, TypeAlias

from rules import json_text as parts
from rules.conversation import Json
from rules.json_lookahead import MAX_EXTRA_CLOSERS, Lookahead, Open, weight

MAX_DEPTH: Final = 100
"""Far below what any later parser, copier or validator can take (HARDENING 2.1)."""

MAX_QUOTES: Final = 20_000
"""Quotes looked at for one text that is no strict JSON: far more than a file has, and bounds the time a hostile text costs."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a text is not a JSON value. `incomplete`: the text ended first, so more of it may be missing than a bracket."""

    reason: str
    at: int = 0
    incomplete: bool = False


class Refused(ValueError):
    """Carries an Unreadable up to whoever asked for a value."""

    def __init__(self, unreadable: Unreadable) -> None:
        super().__init__(unreadable.reason)
        self.unreadable = unreadable


Step: TypeAlias = "Callable[[], Step | None]"
"""Reads one token and names the step that comes next; None: the value is whole."""


@dataclass(slots=True)
class JsonReader:
    """Reads `text[at:stop]`.

    closed  the block around is known to be whole, so closers may be missing
    many    another value may follow
    mended  what was not strict JSON
    """

    text: str
    at: int
    stop: int
    closed: bool = False
    many: bool = False
    mended: set[str] = field(default_factory=set)
    _stack: list[Open] = field(default_factory=list)
    _result: Json = None
    _runs: int = 0

    def read(self) -> Json:
        """Return the value at `at` and move behind it. Raises Refused."""
        step: Step | None = self._value
        while step is not None:
            step = step()
        return self._result

    def skip(self) -> None:
        """Move over blanks and comments."""
        while self.at < self.stop and self.text[self.at] in parts.SKIPPED:
            strict = parts.STRICT_BLANKS.match(self.text, self.at, self.stop)
            loose = parts.BLANKS.match(self.text, self.at, self.stop)
            assert strict is not None
            assert loose is not None
            if loose.end() > strict.end():
                self.mended.add("odd-blanks")
            self.at = loose.end()
            comment = parts.COMMENT.match(self.text, self.at, self.stop)
            if comment is None:
                return
            self.mended.add("comment")
            self.at = comment.end()

    def peek(self) -> str:
        """Skip blanks and return the next character, or nothing at the end."""
        self.skip()
        return self.text[self.at] if self.at < self.stop else ""

    def drop_extra_closers(self) -> None:
        """Move over a few closers that nothing opened."""
        for _ in range(MAX_EXTRA_CLOSERS):
            if self.peek() not in ("}", "]"):
                return
            self.mended.add("extra-closers")
            self.at += 1

    def _refuse(self, reason: str, *, incomplete: bool = False) -> NoReturn:
        raise Refused(Unreadable(reason, self.at, incomplete))

    def _value(self) -> Step | None:
        char = self.peek()
        if char in ("{", "["):
            return self._opens(char)
        if char in ('"', "'"):
            return self._put(self._string(char))
        if not char:
            self._refuse("the text ends where a value should stand", incomplete=True)
        if char.isdigit() or char == "-":
            return self._put(self._number())
        return self._put(self._word())

    def _opens(self, char: str) -> Step:
        if len(self._stack) >= MAX_DEPTH:
            self._refuse(f"nested deeper than {MAX_DEPTH}")
        self.at += 1
        self._stack.append(Open({} if char == "{" else []))
        return self._member if char == "{" else self._item

    def _item(self) -> Step | None:
        return self._closes() if self.peek() == "]" else self._value()

    def _member(self) -> Step | None:
        char = self.peek()
        if char == "}":
            return self._closes()
        key = self._quoted_key(char) if char in ('"', "'") else self._bare_key()
        if self.peek() != ":":
            self._refuse("a key without a colon", incomplete=not self.peek())
        self.at += 1
        self._stack[-1].key = key
        return self._value

    def _after(self) -> Step | None:
        char = self.peek()
        top = self._stack[-1]
        if char == top.closer:
            return self._closes()
        if not char and self.closed:
            self.mended.add("missing-closers")
            return self._closes(missing=True)
        if char != ",":
            self._refuse("neither a comma nor a closing bracket", incomplete=not char)
        self.at += 1
        if self.peek() == top.closer:
            self.mended.add("trailing-comma")
        return self._member if top.closer == "}" else self._item

    def _closes(self, *, missing: bool = False) -> Step | None:
        self.at += 0 if missing else 1
        return self._put(self._stack.pop().value)

    def _put(self, value: Json) -> Step | None:
        if not self._stack:
            self._result = value
            return None
        top = self._stack[-1]
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.key not in top.value:
            top.value[top.key] = value
        elif repr(top.value[top.key]) == repr(value):  # `==` would take 1, 1.0 and true for the same
            self.mended.add("duplicate-key")
        else:
            self._refuse("a key stands twice with different values")
        return self._after

    def _number(self) -> Json:
        found = parts.NUMBER.match(self.text, self.at, self.stop)
        if found is None:
            self._refuse("not a JSON number")
        self.at = found.end()
        return to_number(found[0], whole=found[1] is None and found[2] is None)

    def _word(self) -> Json:
        found = parts.WORD.match(self.text, self.at, self.stop)
        if found is None or found[0] not in parts.WORDS:
            half = found is not None and found.end() == self.stop
            self._refuse("a word that is no JSON value", incomplete=half)
        if found[0] not in parts.STRICT_WORDS:
            self.mended.add("python-word")
        self.at = found.end()
        return parts.WORDS[found[0]]

    def _bare_key(self) -> str:
        found = parts.BARE_KEY.match(self.text, self.at, self.stop)
        if found is None:
            self._refuse("no key where one should stand", incomplete=self.at >= self.stop)
        self.mended.add("bare-key")
        self.at = found.end()
        return found[0]

    def _quoted_key(self, quote: str) -> str:
        body = parts.UNQUOTED[quote].match(self.text, self.at + 1, self.stop)
        assert body is not None
        if body.end() >= self.stop or self.text[body.end()] != quote:
            self._refuse("a key that does not end", incomplete=True)
        self.at = body.end() + 1
        return self._plain(body[0], quote)

    def _plain(self, raw: str, quote: str) -> str:
        if quote == "'":
            self.mended.add("single-quotes")
        if parts.CONTROL.search(raw):
            self.mended.add("raw-control")
        plain, odd = parts.unescape(raw, quote)
        if odd:
            self.mended.add("odd-escape")
        return plain

    def _string(self, quote: str) -> str:
        start = end = self.at + 1
        if self.text.startswith(quote * 3, self.at) and not self.text.startswith(quote, self.at + 3):
            self._refuse("three quotes: no JSON string")
        inner, raw = 0, False
        look = Lookahead(self.text, self.stop, self._stack, self.many)
        while True:
            first = self._next_quote(end, quote)
            end = self._last_of_run(first, quote)
            before, raw = inner + weight(end - first), raw or end > first
            follows = look.follows(end + 1)
            if follows == "open" and not raw:
                break
            if follows in ("next", "end") and before % 2 == 0:
                break
            if follows == "end":
                self._refuse("quotes inside a string that cannot be told from its end")
            if not raw and parts.JOINED.match(self.text, end + 1, self.stop):
                self._refuse("two strings added together")
            inner += 0 if parts.is_apostrophe(self.text, end) else weight(end + 1 - first)
            raw, end = True, end + 1
        if raw:
            self.mended.add("raw-quotes")
        self.at = end + 1
        return self._plain(self.text[start:end], quote)

    def _next_quote(self, at: int, quote: str) -> int:
        body = parts.UNQUOTED[quote].match(self.text, at, self.stop)
        assert body is not None
        if body.end() >= self.stop or self.text[body.end()] != quote:
            self._refuse("a string that does not end", incomplete=True)
        return body.end()

    def _last_of_run(self, at: int, quote: str) -> int:
        """Return where the run of quotes at `at` ends: only its last one may end the string."""
        self._runs += 1
        if self._runs > MAX_QUOTES:
            self._refuse("too many quotes inside strings")
        while self.text.startswith(quote, at + 1, self.stop):
            at += 1
        return at


def to_number(text: str, *, whole: bool) -> int | float:
    """Return the number a JSON number stands for; whole numbers of any size are exact. Raises Refused."""
    try:
        number = int(text) if whole else float(text)
    except ValueError as error:  # Python refuses whole numbers of more than 4,300 digits
        raise Refused(Unreadable("a number of too many digits")) from error
    if number in (float("inf"), float("-inf")):
        raise Refused(Unreadable("a number too large"))
    return number
