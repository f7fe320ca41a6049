"""The tags of formats that write a call as a name and pairs of keys and values, and what each of them means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from adapters.lexer import Lexer

Kind = Literal["text", "call", "/call", "behind name", "key", "/key", "type", "/type", "value", "/value", "end"]

_NAMES: Mapping[str, tuple[Kind, Kind]] = {
    "tool_call": ("call", "/call"),
    "arg_key": ("key", "/key"),
    "arg_type": ("type", "/type"),
    "arg_value": ("value", "/value"),
    "tool_calls": ("end", "end"),
}


class Piece(NamedTuple):
    """A tag, or a stretch of text between tags; positions count from the first character of the block."""

    kind: Kind
    text: str
    start: int
    end: int


class Tags:
    """The tags of one family: `<arg_key>`, or with something before or behind the name in each: `<arg_key:opensource>`.

    ends  markers that end the turn
    """

    def __init__(self, *ends: str, before: str = "", behind: str = "") -> None:
        self._frame = before, behind
        self.kinds: dict[str, Kind] = {self.opener("tool_sep"): "behind name", "<tool_response>": "end"}
        self.kinds |= dict.fromkeys(ends, "end")
        for name, (opens, closes) in _NAMES.items():
            self.kinds |= {self.opener(name): opens, self.closer(name): closes}

    def opener(self, name: str) -> str:
        """Return the tag that opens an element."""
        before, behind = self._frame
        return f"<{before}{name}{behind}>"

    def closer(self, name: str) -> str:
        """Return the tag that closes an element."""
        before, behind = self._frame
        return f"</{before}{name}{behind}>"

    def element(self, name: str, text: str) -> str:
        """Write an element."""
        return f"{self.opener(name)}{text}{self.closer(name)}"


class Pieces:
    """Cuts a block into tags and text, whatever way it comes."""

    def __init__(self, tags: Tags) -> None:
        self._kinds = tags.kinds
        self._lexer = Lexer(tags.kinds)

    def feed(self, piece: str, *, final: bool = False) -> Iterator[Piece]:
        """Yield what is certain by now; with `final`, all that is left."""
        for token in self._lexer.feed(piece, final=final):
            yield Piece(self._kinds.get(token.marker, "text"), token.text, token.start, token.end)
