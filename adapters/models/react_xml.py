"""Reads an action that is an XML block, as some agents ask for it behind a heading:

<action>
<tool_name>NAME</tool_name>
<arguments><arg key="KEY">VALUE</arg></arguments>
</action>
"""

from __future__ import annotations

import re
from typing import Literal

from adapters.lexer import Lexer
from adapters.models.json_blocks.hermes_json_read import read_object
from rules.conversation import Json, ToolCall, Tools

OPEN, CLOSE = "<action>", "</action>"
_ARGUMENT = re.compile(r"""\s*<arg\s+key=["'](?P<key>[^"'<>]{1,200})["']\s*>""")


class XmlActionScan:
    """Finds the end of the block: its closing tag, behind which a value may not go on."""

    def __init__(self, opener: str, tools: Tools) -> None:
        del tools
        self._skip = len(opener)
        self._begun = ""
        self._known = False
        self._lexer = Lexer((CLOSE,))
        self._seen = 0

    def feed(self, piece: str) -> int | Literal["no"] | None:
        """Take the next piece of the block."""
        self._seen += len(piece)
        end = next((token.end for token in self._lexer.feed(piece) if token.marker), None)
        if not self._known:
            self._begun = f"{self._begun}{piece[self._skip :]}".lstrip()[: len(OPEN)]
            self._skip = max(0, self._skip - len(piece))
            self._known = self._begun == OPEN
            if not OPEN.startswith(self._begun):
                return "no"
        return end

    def finish(self) -> int | Literal["no"]:
        """Say where the block ends now that no more text comes."""
        return self._seen if self._known else "no"


def read(opener: str, block: str, tools: Tools) -> tuple[ToolCall, ...] | None:
    """Read a block. Values stay text: the rules give them the types of the schema."""
    del tools
    body, closed = block.removeprefix(opener).strip().removeprefix(OPEN), block.endswith(CLOSE)
    name, behind = _element(body, "tool_name")
    inside, more = _element(behind.removesuffix(CLOSE), "arguments")
    if name is None or not name.strip():
        return (ToolCall("", "", body, whole=closed),)
    arguments = _arguments(inside) if inside is not None else None if more.strip() else {}
    return (ToolCall("", name.strip(), behind.strip() if arguments is None else arguments, whole=closed),)


def _element(text: str, tag: str) -> tuple[str | None, str]:
    """Return what an element at the start of text holds, and what stands behind it; None where it does not end."""
    opener, closer = f"<{tag}>", f"</{tag}>"
    at = text.find(closer)
    if at < 0 or not text.lstrip().startswith(opener):
        return None, text
    return text[:at].lstrip().removeprefix(opener), text[at + len(closer) :]


def _arguments(text: str) -> dict[str, Json] | None:
    """Return the arguments: elements with a key each, or one JSON object; None where they are neither."""
    if text.lstrip().startswith("{"):
        return read_object(text)
    out: dict[str, Json] = {}
    at = 0
    while found := _ARGUMENT.match(text, at):
        end = text.find("</arg>", found.end())
        if end < 0 or found["key"] in out:
            return None
        out[found["key"]], at = text[found.end() : end], end + len("</arg>")
    return None if text[at:].strip() else out
