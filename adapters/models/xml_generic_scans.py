"""Finds where a call ends that is written as a tag named after its tool, and holds no elements.

<get_weather city="Paris"/>                  AttributesScan
<upload_gist>                                BodyScan
gist: palin.py
</upload_gist>
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal

from adapters.lexer import Lexer, Token

LONGEST = 4096
"""A tag with attributes is at most this long."""

ATTRIBUTE = re.compile(r"""\s+([\w.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_BEGUN = re.compile(r"""\s*(?:/|(?<=\s)[\w.:-]+\s*(?:=\s*(?:"[^"]*|'[^']*)?)?)?\Z""")


class AttributesScan:
    """A tag that closes itself, its arguments as attributes. Satisfies `adapters.base.Scan`."""

    def __init__(self, name: str, properties: Collection[str]) -> None:
        self._tag, self._properties = f"<{name}", properties
        self._end = re.compile(rf"\s*(?:/>|>\s{{0,64}}</{re.escape(name)}>)")
        self._open = re.compile(r"\s*>\s{0,64}(?P<closer>\S*)\Z")
        self._text = ""
        self._at = len(self._tag)

    def feed(self, piece: str) -> int | Literal["no"] | None:
        """Take the next piece of the tag."""
        self._text = (self._text + piece)[:LONGEST]
        while found := ATTRIBUTE.match(self._text, self._at):
            if found[1] not in self._properties:
                return "no"
            self._at = found.end()
        if end := self._end.match(self._text, self._at):
            return end.end()
        return None if len(self._text) < LONGEST and self._may_go_on() else "no"

    def _may_go_on(self) -> bool:
        closer = self._open.match(self._text, self._at)
        if closer:
            return f"</{self._tag[1:]}>".startswith(closer["closer"])
        return len(self._text) <= len(self._tag) or _BEGUN.match(self._text, self._at) is not None

    def finish(self) -> Literal["no"]:
        """It did not close itself."""
        return "no"


class BodyScan:
    """Text between the tags. Satisfies `adapters.base.Scan`.

    The text begins on a line of its own, and the closer stands first or last on its line.
    """

    def __init__(self, name: str) -> None:
        self._opener, self._closer = f"<{name}>", f"</{name}>"
        self._lexer = Lexer((self._opener, self._closer))
        self._begun = self._newline = self._alone = False
        self._depth = 0
        self._last: int | None = None
        self._end = 0

    def feed(self, piece: str) -> int | Literal["no"] | None:
        """Take the next piece of the block."""
        return self._walk(piece, final=False)

    def finish(self) -> int | Literal["no"]:
        """Say where the block ends now that no more text comes."""
        end = self._walk("", final=True)
        if end is None:
            end = self._last
        if end is None:
            return self._end if self._begun else "no"
        return end

    def _walk(self, piece: str, *, final: bool) -> int | Literal["no"] | None:
        for token in self._lexer.feed(piece, final=final):
            self._end = token.end
            answer = self._tag(token) if token.marker else self._words(token)
            if answer is not None:
                return answer
        return None

    def _words(self, token: Token) -> int | Literal["no"] | None:
        newline = token.text.rfind("\n")
        if not self._begun:
            return self._first(token.text)
        if self._last is not None:
            body = token.text.lstrip(" \t")
            if body.startswith("\n"):
                return self._last
            self._last = None if body else self._last
        rest = token.text[newline + 1 :]
        self._alone = not rest.strip() and (newline >= 0 or self._alone)
        return None

    def _first(self, text: str) -> Literal["no"] | None:
        """The first words: they begin a line, and are no element and no JSON, which are read elsewhere."""
        body = text.lstrip()
        self._newline = self._newline or "\n" in text[: len(text) - len(body)]
        if body and (not self._newline or body[0] in "<{["):
            return "no"
        self._begun = bool(body)
        rest = body.rpartition("\n")
        self._alone = bool(body) and rest[1] == "\n" and not rest[2].strip()
        return None

    def _tag(self, token: Token) -> int | Literal["no"] | None:
        if token.start == 0:
            return None
        if not self._begun:
            return "no"
        alone, self._alone, self._last = self._alone, False, None
        if token.marker == self._opener:
            self._depth += alone
        elif self._depth:
            self._depth -= alone
        elif alone:
            return token.end
        else:
            self._last = token.end
        return None
