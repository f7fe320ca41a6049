"""Reads how a call of keys and values begins: which tool it names, or that it is no call of this kind at all.

JSON and XML calls open with the same `<tool_call>`, and so does prose about it: they are told apart by the first character that
no name holds.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from adapters.models.pairs.arg_pairs_tags import Piece
from adapters.models.tool_parameters import properties
from rules.conversation import Tools, ToolSpec
from rules.declared_tool import declared_tool

LONGEST = 256
"""Characters that a name or a key may have."""

_NAME = re.compile(r"[\w.:/-]+")


class Named(NamedTuple):
    """What is called. `tool`: the declared tool of that name; `key`: a key whose opener is missing, already closed."""

    name: str
    tool: ToolSpec | None
    key: str = ""


class Head:
    """Takes what stands behind the opener, up to the first tag."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._text = ""

    def take(self, piece: Piece) -> Named | Literal["no"] | None:
        """Take the next piece of the block: what is called once a tag shows it, "no" as soon as it can be nothing."""
        if piece.kind == "text":
            return self._words(piece.text)
        name, _, key = self._text.strip().partition(" ") if piece.kind == "/key" else (self._text.strip(), "", "")
        named = Named(name, declared_tool(name, self._tools), key.strip())
        if piece.kind in ("key", "behind name"):
            return named
        if piece.kind in ("/call", "call"):
            return named if name else "no"
        return named if named.tool and (key or piece.kind in ("end", "value")) else "no"

    def finish(self) -> Named | Literal["no"]:
        """The text is over: a declared name alone is a call that was cut."""
        name = self._text.strip()
        tool = declared_tool(name, self._tools)
        return Named(name, tool) if tool else "no"

    def _words(self, text: str) -> Literal["no"] | None:
        self._text += text
        begun = self._text.lstrip()
        name = begun.split(maxsplit=1)[0] if begun else ""
        if len(self._text) > LONGEST or (begun and not _NAME.fullmatch(name)):
            return "no"
        rest = begun[len(name) :].lstrip()
        return "no" if rest and not self._begins_key(name, rest) else None

    def _begins_key(self, name: str, rest: str) -> bool:
        """Tell whether words behind a name may be a key without its opener: only a declared one of a declared tool."""
        tool = declared_tool(name, self._tools)
        return any(key.startswith(rest) or key == rest.rstrip() for key in properties(tool))
