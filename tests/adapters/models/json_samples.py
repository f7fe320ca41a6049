"""What the tests of the JSON dialects share: tools, a call, and how to decode a text in pieces."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.base import Event
from adapters.grammar import grammar
from adapters.registry import DIALECTS
from rules.conversation import ToolCall, Tools, ToolSpec
from tests.adapters.models.cut_decoding import calls_among, decode_pieces, text_among

TOOLS: Tools = (
    ToolSpec("f", "", {"type": "object", "properties": {"a": {"type": "string"}, "b": {}}, "required": ["a"]}),
    ToolSpec("stop", "", {"type": "object", "properties": {}}),
)
GOOD = '{"name": "f", "arguments": {"a": "x"}}'
CALL = ToolCall("", "f", {"a": "x"})


def events_of(text: str | Sequence[str], *reads: str) -> list[Event]:
    """Decode a text, or its pieces, by the dialects of these names."""
    pieces = [text] if isinstance(text, str) else text
    return decode_pieces(pieces, grammar([DIALECTS[name] for name in reads], TOOLS))


def parts_of(text: str, *reads: str) -> tuple[list[ToolCall], str]:
    """Return the calls and the visible text, the same in every cut."""
    whole = events_of(text, *reads)
    assert "".join(event.raw for event in whole) == text
    assert events_of(list(text), *reads) == whole
    for cut in range(1, len(text)):
        assert events_of([text[:cut], text[cut:]], *reads) == whole
    visible = text_among(whole)
    return calls_among(whole), visible
