"""The Kimi K3 dialect: values without escapes, typed arguments, and tags that lost their pieces."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Call, Event, Markup, Text, Thinking, Unwritable
from adapters.decoding import Opened, decode
from adapters.grammar import grammar
from adapters.models.kimi_k3 import KIMI_K3, render
from rules.conversation import ToolCall, ToolSpec
from tests.adapters.models.corpus_cases import decodes_linearly
from tests.adapters.models.cut_decoding import calls_among, decode_alike, in_two

TOOLS = (ToolSpec("run", "", {"type": "object", "properties": {"a": {"type": "string"}}}),)
USING = grammar((KIMI_K3,), TOOLS)
TOOL_TAG, TOOLS_END = "<|open|>tools<|sep|>", "<|close|>tools<|sep|>"
CALL, CALL_END = '<|open|>call tool="run" index="1"<|sep|>', "<|close|>call<|sep|>"
ARGUMENT, ARGUMENT_END = '<|open|>argument key="a" type="string"<|sep|>', "<|close|>argument<|sep|>"
GOOD = ToolCall("", "run", {"a": "x"})


def seen(text: str, opened: Opened = "no") -> list[Event]:
    """Return the events of a text, having checked that no single cut matters."""
    return decode_alike(text, USING, in_two(text), opened)


def calls_in(text: str) -> list[ToolCall]:
    return calls_among(seen(text))


PIECES = [
    "<|open|>",
    "<|close|>",
    "<|sep|>",
    "argument",
    "call",
    ARGUMENT_END[:-4],
    '"',
    "&quot;",
    "\n",
    " ",
    "x",
    "{",
    "<|end_of_msg|>",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
VALUES = (
    TEXTS | st.none() | st.booleans() | st.integers() | st.lists(TEXTS, max_size=2) | st.dictionaries(TEXTS, TEXTS, max_size=2)
)


@settings(max_examples=200, deadline=None)
@given(arguments=st.dictionaries(st.sampled_from(["a", "b", 'q"&amp;']), VALUES))
def test_it_reads_what_it_writes(arguments: dict[str, Any]) -> None:
    call = ToolCall("", "run", arguments)
    try:
        text = render((call, call))
    except Unwritable:
        assert ARGUMENT_END in "".join(map(str, arguments.values()))
        return
    assert calls_among(decode(f"{text}\nDone.", USING)) == [call, call]


@pytest.mark.parametrize(
    "call", [ToolCall("", "run", {"a": ARGUMENT_END}), ToolCall("", "run", "text"), ToolCall("", "a\nb", {})]
)
def test_what_the_format_cannot_carry_is_refused(call: ToolCall) -> None:
    with pytest.raises(Unwritable):
        render((call,))


@pytest.mark.parametrize(
    "text",
    [
        f"{CALL}{ARGUMENT}x{ARGUMENT_END}{CALL_END}",
        f"{TOOL_TAG}\n{CALL}\n{ARGUMENT}x{ARGUMENT_END}\n{CALL_END}\n{TOOLS_END}",
        f"<|open|>tools{CALL}{ARGUMENT}x{ARGUMENT_END}{CALL_END}",
        f'{TOOL_TAG}{CALL}{{"a": "x"}}{CALL_END}{TOOLS_END}',
        f'{TOOL_TAG}{CALL}<|open|>json type="object"<|sep|>{{"a": "x"}}<|close|>json<|sep|>{CALL_END}{TOOLS_END}',
    ],
)
def test_a_call_is_found_however_it_is_framed(text: str) -> None:
    assert calls_in(text) == [GOOD]


@pytest.mark.parametrize(
    "inside",
    [
        f"{ARGUMENT}x{ARGUMENT_END}y{ARGUMENT_END}",
        f"{ARGUMENT}x{ARGUMENT_END}{ARGUMENT}y{ARGUMENT_END}",
        f"{ARGUMENT}x{CALL_END}",
        f'<|open|>argument type="string"<|sep|>x{ARGUMENT_END}',
    ],
)
def test_what_can_be_read_in_two_ways_is_asked_for_again(inside: str) -> None:
    [call] = calls_in(f"{TOOL_TAG}{CALL}{inside}{CALL_END}{TOOLS_END}")
    assert isinstance(call.arguments, str)


def test_no_beginning_of_a_call_is_a_whole_call() -> None:
    text = f"{TOOL_TAG}{CALL}{ARGUMENT}x y{ARGUMENT_END}{CALL_END}"
    for at in range(len(text)):
        assert not any(isinstance(event, Call) and event.call.whole for event in decode(text[:at], USING))


def test_the_tags_of_a_message_reach_nobody() -> None:
    text = "Hm.<|close|>think<|sep|><|open|>response<|sep|>Hello<|close|>response<|sep|>"
    assert seen(f"{text}{render((GOOD,))}<|close|>message<|sep|><|end_of_msg|>", "yes") == [
        Thinking("Hm.<|close|>think<|sep|>", "Hm."),
        Markup("<|open|>response<|sep|>"),
        Text("Hello"),
        Markup("<|close|>response<|sep|>"),
        Call(f"{TOOL_TAG}{CALL}{ARGUMENT}x{ARGUMENT_END}{CALL_END}", GOOD),
        Markup(f"{TOOLS_END}<|close|>message<|sep|><|end_of_msg|>"),
    ]


@pytest.mark.parametrize("text", ["The <|open|> and <|close|> tokens", "A <|sep|> between", "<|open|>, then a word"])
def test_prose_is_text(text: str) -> None:
    assert seen(text) == [Text(text)]


def test_types_are_the_tags_and_values_the_rules() -> None:
    text = render((ToolCall("", "run", {"a": "5", "n": 5, "f": 1.5, "b": True, "z": None, "l": [1], "o": {"k": "v"}}),))
    for kind in ("string", "number", "boolean", "null", "array", "object"):
        assert f'type="{kind}"' in text


@pytest.mark.parametrize(
    "unit", ["<|open|>", "<|close|>", "<|open|>tools<|sep|>", CALL, ARGUMENT, "<|open|>a ", ARGUMENT_END, CALL + ARGUMENT]
)
def test_time_is_linear(unit: str) -> None:
    for head in ("", CALL, CALL + ARGUMENT):
        assert decodes_linearly((KIMI_K3,), unit, head, size=10_000)
