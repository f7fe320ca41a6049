"""What the tests of the shell dialects share: their tools, and decoding in every cut."""

from __future__ import annotations

from adapters.base import Dialect, Event
from adapters.grammar import grammar
from rules.conversation import ToolCall, Tools, ToolSpec
from tests.adapters.models.cut_decoding import calls_among, decode_alike, in_every_way

BASH = ToolSpec("bash", "", {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]})
EDIT = ToolSpec("edit", "", {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]})
TOOLS: Tools = (BASH, EDIT)


def events_of(text: str, *dialects: Dialect, tools: Tools = TOOLS) -> list[Event]:
    """Decode a text whole, and see that no cut changes that."""
    return decode_alike(text, grammar(dialects, tools), in_every_way(text))


def calls_in(text: str, *dialects: Dialect, tools: Tools = TOOLS) -> list[ToolCall]:
    return calls_among(events_of(text, *dialects, tools=tools))


def runs(command: str, *, whole: bool = True) -> ToolCall:
    return ToolCall("", "bash", {"command": command}, whole=whole)
