"""Finds where JSON ends that no closing marker follows: where its brackets are balanced and `read_json` can read it.

If `read_json` cannot, quotes have led the brackets astray, and the text goes on to the next marker or to its end; there the
last bracket, then the place where the brackets were first balanced, are tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from adapters.models.json_blocks.json_tokens import CLOSING, OPENING, Brackets, Frame, JsonToken, JsonTokens
from rules.conversation import Tools
from rules.read_json import Unreadable, read_json

SURPLUS = 8
"""Closing brackets too many that belong to a value all the same; as many as `read_json` drops."""


class UnwrappedScan:
    """The machine. Satisfies `adapters.base.Scan`.

    Separators behind a value belong to it where another value follows.
    """

    def __init__(self, frame: Frame, tools: Tools) -> None:
        del tools
        self._frame = frame
        self._marks = frame.marks
        self._tokens = JsonTokens(self._marks)
        self._brackets = Brackets()
        self._at = self._start = self._surplus = 0
        self._begun = self._broken = False
        self._value: list[str] = []
        self._whole: int | None = None
        self._separated = False

    def feed(self, piece: str) -> int | Literal["no"] | None:
        """Take the next piece of the block."""
        return self._walk(self._tokens.feed(piece))

    def finish(self) -> int | Literal["no"]:
        """Say where the block ends now that no more text comes."""
        end = self._walk(self._tokens.feed("", final=True))
        if end is not None:
            return end
        return self._settle(self._at) if self._begun else "no"

    def _walk(self, tokens: Iterator[JsonToken]) -> int | Literal["no"] | None:
        for token in tokens:
            self._at = token.end
            if self._begun and not self._behind:
                self._value.append(token.text)
            end = self._plain(token.text) if token.plain else self._take(token.text)
            if end is not None:
                return end
        return None

    @property
    def _behind(self) -> bool:
        """Whether what comes stands behind a whole value."""
        return self._whole is not None and self._brackets.outside and not self._broken

    def _plain(self, text: str) -> int | Literal["no"] | None:
        body = text.strip()
        if not self._begun:
            return "no" if body else None
        if not body or not self._behind:
            return None
        if body not in (",", ";") or self._separated:
            return self._whole
        self._separated = True
        return None

    def _take(self, token: str) -> int | Literal["no"] | None:
        if token in self._marks:
            return self._mark(token)
        if self._behind:
            return self._follows(token)
        if not self._begun and token not in OPENING:
            return "no"
        if not self._begun:
            self._begin(token)
        if self._brackets.take(token) and not self._broken:
            self._balanced()
        return None

    def _begin(self, token: str) -> None:
        self._begun, self._separated, self._surplus = True, False, 0
        self._start, self._value = self._at - 1, [token]

    def _balanced(self) -> None:
        """The brackets say that the value ends here; it does if it can be read."""
        self._broken = isinstance(read_json("".join(self._value)), Unreadable)
        self._whole = self._at

    def _follows(self, token: str) -> int | None:
        """Take what follows a whole value directly: a bracket too many, another value, or what is no part of the block."""
        if token == "}" and not self._separated and self._surplus < SURPLUS:
            self._surplus += 1
            self._whole = self._at
            return None
        if token not in OPENING:
            return self._whole
        if not self._frame.several:
            return self._at - 1 if self._separated else self._whole
        self._begin(token)
        self._brackets.take(token)
        return None

    def _mark(self, mark: str) -> int | Literal["no"] | None:
        """Take a marker: data inside a string, the end of the block elsewhere."""
        if not self._begun:
            leads = mark in self._frame.leads or (mark == self._frame.opener and self._at == len(mark))
            return None if leads else "no"
        if self._brackets.string:
            return None
        return self._settle(self._at - len(mark))

    def _settle(self, end: int) -> int:
        """Choose where the block ends, at the latest."""
        if self._behind and self._whole is not None:
            return end if self._separated else self._whole
        text = "".join(self._value)[: end - self._start]
        last = 1 + max(text.rfind(bracket) for bracket in CLOSING)
        if last and not isinstance(read_json(text[:last]), Unreadable):
            return self._start + last
        return end if self._whole is None else self._whole
