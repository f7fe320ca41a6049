"""The Kimi K2 dialect: ids with and without their markers, noise in a group, and prose that looks like an id."""

from __future__ import annotations

import pytest

from adapters.base import Event, Text
from adapters.decoding import decode
from adapters.grammar import grammar
from adapters.models.kimi_k2 import KIMI_K2, render
from rules.conversation import ToolCall, ToolSpec
from tests.adapters.models.cut_decoding import calls_among

TOOLS = (ToolSpec("run", "", {"type": "object", "properties": {"a": {"type": "string"}}}),)
CALL, ARGUMENTS, END = "<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>"
GROUP, GROUP_END = "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"
GOOD = ToolCall("", "run", {"a": "x"})


def seen(text: str) -> list[Event]:
    return decode(text, grammar((KIMI_K2,), TOOLS))


def calls_in(text: str) -> list[ToolCall]:
    return calls_among(seen(text))


@pytest.mark.parametrize(
    "text",
    [
        f'{CALL}functions.run:0{ARGUMENTS}{{"a": "x"}}{END}',
        f'{CALL} run:12 {ARGUMENTS} {{"a": "x"}} {END}',
        f'{GROUP}functions.run:0{ARGUMENTS}{{"a": "x"}}{GROUP_END}',
        f'{GROUP}\nlet me see\n{CALL}functions.run:0{ARGUMENTS}{{"a": "x"}}{END}\n{GROUP_END}',
        f'Now.\nrun:0{ARGUMENTS}{{"a": "x"}}{GROUP_END}',
        'functions.run:0{"a": "x"}',
        'functions.run:0 {"a": "x"}\nDone.',
    ],
)
def test_a_call_is_found_however_it_is_framed(text: str) -> None:
    assert calls_in(text) == [GOOD]


@pytest.mark.parametrize(
    "text",
    [
        "run: the command",
        "run:0 is the first",
        'run:0 {"a": "x"}',
        'my_functions.run:0{"a": "x"}',
        "functions.run:0 takes {a}",
        f"A group begins with {GROUP}. Then come the calls.",
        f"Each call begins with {CALL} and an id",
    ],
)
def test_prose_is_text(text: str) -> None:
    assert seen(text) == [Text(text)]


def test_a_thought_ends_by_a_call_that_ends_the_turn() -> None:
    events = decode(f"I will run it.{render((GOOD,))}<|im_end|>", grammar((KIMI_K2,), TOOLS), "yes")
    assert calls_among(events) == [GOOD]


def test_calls_are_numbered() -> None:
    text = render((GOOD, GOOD))
    assert "functions.run:0<" in text
    assert "functions.run:1<" in text
    assert calls_in(text) == [GOOD, GOOD]


def test_a_name_that_looks_like_an_id_keeps_its_number() -> None:
    call = ToolCall("", "a:7", {})
    assert calls_in(render((call,))) == [call]
