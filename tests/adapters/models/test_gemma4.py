"""The Gemma 4 dialect: the corpus in every cut, and what it writes and declares."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.base import Call, Unwritable
from adapters.blocks import decode as decode_text
from adapters.grammar import grammar
from adapters.models.gemma4 import GEMMA4, describe, render
from adapters.registry import DIALECTS
from rules.conversation import ToolCall, ToolSpec

READS = (GEMMA4, *(each for each in DIALECTS.values() if each is not GEMMA4))
TOOL = ToolSpec(
    "run", "Run it.", {"type": "object", "properties": {"a": {"type": "string"}, "n": {"type": "integer", "minimum": 1}}}
)


def calls_in(text: str) -> list[ToolCall]:
    return [event.call for event in decode_text(text, grammar(READS, (TOOL,))) if isinstance(event, Call)]


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('{a:path/to/x<|"|>,n:3}', {"a": "path/to/x", "n": 3}),
        ('{a:<|"|>x<|"|>,n:1e999999}', {"a": "x", "n": "1e999999"}),
        ("{a:" + "9" * 5000 + "}", {"a": "9" * 5000}),
        ('{n:3,a:"it\\"s, fine"}', {"n": 3, "a": 'it"s, fine'}),
        ("{n:3 , a : 'x' }", {"n": 3, "a": "x"}),
    ],
)
def test_slips_that_mean_one_thing(text: str, arguments: dict[str, Any]) -> None:
    assert calls_in(f"<|tool_call>call:run{text}<tool_call|>") == [ToolCall("", "run", arguments)]


@pytest.mark.parametrize("text", ["{a:1,a:2}", "{a b c}", "{" * 200, "{a:" + "[" * 200, "{:}", "{a:,,}x{"])
def test_what_cannot_be_read_stays_text(text: str) -> None:
    [call] = calls_in(f"<|tool_call>call:run{text}<tool_call|>")
    assert isinstance(call.arguments, str)


def test_the_end_of_the_text_does_not_make_a_call_whole() -> None:
    for cut in (
        '<|tool_call>call:run{a:<|"|>x',
        "<|tool_call>call:run{a",
        "<|tool_call>call:run",
        '<|tool_call>call:run{a:<|"|>x<|"|>,n:4',
    ):
        [call] = calls_in(cut)
        assert not call.whole


@pytest.mark.parametrize("arguments", [{"a": 'x<|"|>y'}, {"a key": 1}, "unread"])
def test_what_the_format_cannot_carry_is_refused(arguments: Any) -> None:
    with pytest.raises(Unwritable):
        render(ToolCall("", "run", arguments))


def test_a_declaration_keeps_what_gemmas_template_drops() -> None:
    assert '"minimum": 1' in describe((TOOL,))
    assert describe((TOOL,)) == describe((TOOL,))
