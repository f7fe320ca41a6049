"""The simplest dialects by the names that clients read: just enough to try a client through the proxy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pytest

from adapters.base import Dialect, Form, Unwritable
from adapters.registry import DIALECTS
from rules.conversation import ToolCall, Tools


class Closed:
    """Finds where a block between two markers ends."""

    def __init__(self, opener: str, closer: str) -> None:
        self._opener, self._closer, self._text = opener, closer, ""

    def feed(self, piece: str) -> int | Literal["no"] | None:
        self._text += piece
        at = self._text.find(self._closer, len(self._opener) - 1)
        return None if at < 0 else at + len(self._closer)

    def finish(self) -> int | Literal["no"]:
        return "no"


def between(name: str, opener: str, closer: str) -> Dialect:
    """Make a dialect whose only block is a command between two markers."""

    def read(block: str, tools: Tools) -> tuple[ToolCall, ...]:
        return (ToolCall("", "bash", {"command": block[len(opener) : -len(closer)]}),)

    def render(calls: Sequence[ToolCall]) -> str:
        raise Unwritable("nothing is written here")

    form = Form(opener, lambda tools: Closed(opener, closer), read, line_start=opener.startswith("`"))
    return Dialect(name, lambda tools: (form,), render, lambda tools: "", lambda tool, text: text)


STAND_INS = {
    dialect.name: dialect
    for dialect in (
        between("mswea_fence", "```mswea_bash_command\n", "\n```"),
        between("mswea_tag", "<mswea_bash_command>", "</mswea_bash_command>"),
        between("command_tag", "<command>\n", "\n</command>"),
        between("backticks", "```\n", "\n```"),
        between("thought_json", "{thought}", "{/thought}"),
        between("xml_generic", "{generic}", "{/generic}"),
    )
}


@pytest.fixture(autouse=True)
def dialects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a stand-in where a dialect is not there."""
    for name, dialect in STAND_INS.items():
        if name not in DIALECTS:
            monkeypatch.setitem(DIALECTS, name, dialect)  # type: ignore[arg-type]
