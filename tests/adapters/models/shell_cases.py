"""What the tests of the shell dialects share: their tools, and decoding in every cut."""

from __future__ import annotations

from adapters.base import Call, Dialect, Event, Text
from adapters.decoding import decoder_for
from adapters.events import merge
from adapters.grammar import grammar
from rules.conversation import ToolCall, Tools, ToolSpec

BASH = ToolSpec("bash", "", {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]})
EDIT = ToolSpec("edit", "", {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]})
TOOLS: Tools = (BASH, EDIT)


def events_of(text: str, *dialects: Dialect, tools: Tools = TOOLS) -> list[Event]:
    """Decode a text whole, and see that no cut changes that."""
    using = grammar(dialects, tools)

    def cut(*pieces: str) -> list[Event]:
        decoder = decoder_for(using)
        return merge([*(event for piece in pieces for event in decoder.feed(piece)), *decoder.finish()])

    whole = cut(text)
    assert "".join(event.raw for event in whole) == text
    assert cut(*text) == whole
    for at in range(1, len(text)):
        assert cut(text[:at], text[at:]) == whole
    return whole


def calls_in(text: str, *dialects: Dialect, tools: Tools = TOOLS) -> list[ToolCall]:
    return [event.call for event in events_of(text, *dialects, tools=tools) if isinstance(event, Call)]


def visible(events: list[Event]) -> str:
    return "".join(event.raw for event in events if isinstance(event, Text))


def runs(command: str, *, whole: bool = True) -> ToolCall:
    return ToolCall("", "bash", {"command": command}, whole=whole)
