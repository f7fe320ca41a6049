"""Cuts a block of elements into tags and text, and reads how it begins."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal

from adapters.models.tags.qwen_xml_head import Named
from adapters.models.tags.qwen_xml_tags import Lexicon, Tags, Token

_NAME = re.compile(r"[\w.:/-]+\Z")


class ElementTags:
    """Yields tokens as `Tags` does. An element that closes itself has a closer; an empty one without a name is a blank."""

    def __init__(self, words: Lexicon) -> None:
        self._tags = Tags(words)
        self._nameless = False

    def feed(self, piece: str, *, final: bool = False) -> Iterator[Token]:
        """Yield what is certain by now; with `final`, all that is left."""
        for token in self._tags.feed(piece, final=final):
            nameless = token.kind == "function" and not token.name
            blank = nameless or (token.kind == "/function" and self._nameless)
            self._nameless = nameless or (self._nameless and token.kind == "text" and token.text.isspace())
            yield token._replace(kind="text", text=" ") if blank else token
            if token.name and token.text.endswith("/>"):
                closer: Literal["/function", "/parameter"] = "/function" if token.kind == "function" else "/parameter"
                yield Token(closer, token.end, token.end)


class Head:
    """Takes tokens until the call is named. Says "no" as soon as what follows the opener can be no call."""

    def __init__(self, fits: Callable[[str], bool] | None, *, wrapped: bool) -> None:
        self._fits = fits or _NAME.match
        self._wrapped = wrapped

    def take(self, token: Token) -> Named | Literal["no"] | None:
        """Take the next token of the block, the opener first."""
        if token.kind == "function" and self._fits(token.name):
            return Named(token.name)
        blank = token.kind == "text" and token.text.isspace()
        return None if blank or (token.kind == "wrapper" and self._wrapped) else "no"
