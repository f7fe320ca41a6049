"""Reads what stands between a call's parentheses in Python's syntax: literals, by position or by name.

A name in place of a value, as in `get_weather(city)`, is no literal: such text speaks of a call and is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from adapters.models.python.python_lexer import Token
from adapters.models.python.python_literals import DEPTH, NoLiteral, read_word
from rules.conversation import Json

_CLOSERS = {"(": ")", "[": "]", "{": "}"}


@dataclass(slots=True)
class _Open:
    """An open bracket, what stands in it, and what must come next. `plain`: no comma stands in it."""

    closer: str
    into: list[Json] | dict[str, Json]
    expects: Literal["item", "colon", "value", "after"] = "item"
    key: str = ""
    plain: bool = True


class Arguments:
    """The arguments of one call, as they come. The outermost bracket is the call's own: values without a name are its items."""

    def __init__(self) -> None:
        self.positional: list[Json] = []
        self.named: dict[str, Json] = {}
        self.closed = False
        self._stack = [_Open(")", self.positional)]
        self._word: Token | None = None
        self._strings: list[str] = []

    @property
    def word(self) -> Token | None:
        """The word that came last, where nothing else has come yet: a value, or the name of what follows it."""
        alone = len(self._stack) == 1 and not (self.positional or self.named)
        return self._word if alone else None

    @property
    def told(self) -> bool:
        """Whether anything but a bare word was given: prose does not go that far."""
        return bool(self.positional or self.named or self._strings or len(self._stack) > 1 or self._stack[0].key)

    def restart(self) -> None:
        """Forget the word that came last: it was no argument."""
        self._word = None

    def take(self, token: Token) -> bool:
        """Take a token; tell whether it may stand here."""
        top = self._stack[-1]
        if token.kind == "string" and not self._word and (self._strings or top.expects in ("item", "value")):
            self._strings.append(token.text)
            return True
        if self._word and token.kind == "mark" and token.text == "=" and len(self._stack) == 1 and top.expects == "item":
            top.key, top.expects, self._word = self._word.text, "value", None
            return True
        if not self.settle():
            return False
        if token.kind == "word" and top.expects in ("item", "value"):
            self._word = token
            return True
        return token.kind == "mark" and self._mark(token.text)

    def complete(self) -> bool:
        """Put down what came last; tell whether nothing but the closing parenthesis is missing."""
        return self.settle() and len(self._stack) == 1 and self._stack[0].expects in ("item", "after")

    def settle(self) -> bool:
        """Put down the strings or the word that came last; tell whether they are a value, where one may stand."""
        word, self._word = self._word, None
        if self._strings:
            value, self._strings = "".join(self._strings), []
            return self._put(value)
        if word is None:
            return True
        try:
            return self._put(read_word(word.text))
        except NoLiteral:
            return False

    def _put(self, value: Json) -> bool:
        """Put a value where it belongs; tell whether it may stand there."""
        top = self._stack[-1]
        if top.expects == "value":
            members = top.into if isinstance(top.into, dict) else self.named
            known = top.key in members and repr(members[top.key]) != repr(value)
            members[top.key], top.expects = value, "after"
            return not known
        if top.expects != "item":
            return False
        if isinstance(top.into, dict):
            top.key, top.expects = str(value), "colon"
            return isinstance(value, str)
        top.into.append(value)
        top.expects = "after"
        return len(self._stack) > 1 or not self.named

    def _mark(self, mark: str) -> bool:
        """Take a bracket, a comma or a colon; tell whether it may stand here."""
        top = self._stack[-1]
        if mark in _CLOSERS and top.expects in ("item", "value") and len(self._stack) <= DEPTH:
            self._stack.append(_Open(_CLOSERS[mark], {} if mark == "{" else []))
            return True
        if mark == top.closer and top.expects in ("item", "after"):
            return self._close(top)
        if mark == "," and top.expects == "after":
            top.expects, top.plain = "item", False
            return True
        if mark == ":" and top.expects == "colon":
            top.expects = "value"
            return True
        return False

    def _close(self, top: _Open) -> bool:
        if len(self._stack) == 1:
            self.closed = True
            return True
        self._stack.pop()
        alone = top.closer == ")" and top.plain and len(top.into) == 1
        return self._put(top.into[0] if alone and isinstance(top.into, list) else top.into)
