"""The PLaMo 3 dialect: the form vLLM reads, the maker's own, and a thought before it."""

from __future__ import annotations

import pytest

from adapters.base import Text, Thinking
from adapters.decoding import decode
from adapters.grammar import grammar
from adapters.models.plamo3 import PLAMO3, render
from rules.conversation import ToolCall, ToolSpec
from tests.adapters.models.cut_decoding import calls_among

TOOLS = (ToolSpec("run", "", {"type": "object", "properties": {"a": {"type": "string"}}}),)
GOOD = ToolCall("", "run", {"a": "x"})
WRITTEN = render((GOOD,))


def calls_in(text: str) -> list[ToolCall]:
    return calls_among(decode(text, grammar((PLAMO3,), TOOLS)))


@pytest.mark.parametrize(
    "without", ["", "<|plamo:constrain|>json", "<|plamo:begin_tool_requests:plamo|>", "<|plamo:end_tool_request:plamo|>"]
)
def test_a_call_is_found_in_either_form(without: str) -> None:
    text = WRITTEN.replace(without, "") if without else WRITTEN
    assert without in WRITTEN
    assert calls_in(text) == [GOOD]


def test_the_markers_around_a_call_reach_nobody() -> None:
    events = decode(
        f"<|plamo:begin_think:plamo|>Hm.<|plamo:end_think:plamo|>Now.{WRITTEN}<|plamo:tag|>", grammar((PLAMO3,), TOOLS)
    )
    assert "".join(event.text for event in events if isinstance(event, Thinking)) == "Hm."
    assert [event.raw for event in events if isinstance(event, Text)] == ["Now."]
