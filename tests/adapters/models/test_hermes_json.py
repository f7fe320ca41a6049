"""The Hermes JSON dialect: the corpus in every cut, broken JSON, and what it writes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Event, Text, Unwritable
from adapters.decoding import decoder_for
from adapters.events import merge
from adapters.grammar import grammar
from adapters.models.hermes_json import HERMES_JSON, describe, render
from adapters.models.json_blocks.hermes_json_scan import CLOSE, OPEN
from adapters.models.qwen_xml import QWEN_XML
from rules.conversation import ToolCall, ToolSpec
from tests.adapters.models.corpus_cases import decodes_linearly
from tests.adapters.models.cut_decoding import calls_among

READS = (HERMES_JSON, QWEN_XML)
TOOL = ToolSpec("f", "", {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]})


def events_of(text: str) -> list[Event]:
    decoder = decoder_for(grammar(READS, (TOOL,)))
    return [*decoder.feed(text), *decoder.finish()]


def calls_in(text: str) -> list[ToolCall]:
    return calls_among(events_of(text))


def test_arguments_keep_the_text_they_came_as() -> None:
    [call] = calls_in('<tool_call>{"name": "f", "arguments": {"a":  1.0, "n": 12345678901234567890123}}</tool_call>')
    assert call.written == '{"a":  1.0, "n": 12345678901234567890123}'
    [inner] = calls_in('<tool_call>{"name": "f", "arguments": "{\\"a\\":  1}"}</tool_call>')
    assert (inner.arguments, inner.written) == ({"a": 1}, '{"a":  1}')
    [mended] = calls_in("<tool_call>{'name': 'f', 'arguments': {'a': 1}}</tool_call>")
    assert (mended.arguments, mended.written) == ({"a": 1}, None)


def test_a_closed_block_that_cannot_be_read_has_no_name() -> None:
    assert calls_in("<tool_call>{utterly mangled}</tool_call>") == [ToolCall("", "", "{utterly mangled}")]


def test_a_cut_block_is_not_whole_but_whole_json_is() -> None:
    [cut] = calls_in('<tool_call>{"name": "f", "arguments": {"a": "x')
    [complete] = calls_in('<tool_call>{"name": "f", "arguments": {"a": "x"}}')
    assert (cut.whole, complete.whole) == (False, True)


def test_a_broken_block_does_not_swallow_the_next() -> None:
    broken = '<tool_call>{"name": "f", "arguments": {"a": "say "x" or "}}</tool_call>'
    good = '<tool_call>{"name": "f", "arguments": {"a": "y"}}</tool_call>'
    for between in ("", "\n", "\nNext.\n"):
        assert calls_in(broken + between + good)[-1] == ToolCall("", "f", {"a": "y"})


def test_a_missing_closer_ends_at_the_next_call() -> None:
    one = '<tool_call>{"name": "f", "arguments": {"a": "y"}}\n'
    assert calls_in(one * 2) == [ToolCall("", "f", {"a": "y"})] * 2


def test_text_behind_a_call_without_closer_is_text() -> None:
    events = events_of('<tool_call>{"name": "f", "arguments": {"a": "y"}}\nDone.')
    assert [event.raw.strip() for event in events if isinstance(event, Text)] == ["Done."]


def test_prose_is_released_at_once() -> None:
    decoder = decoder_for(grammar(READS, (TOOL,)))
    assert "".join(event.raw for event in decoder.feed("Our <tool_call> envelope.")) == "Our <tool_call> envelope."


PIECES = (
    "</tool_call>",
    "<tool_call>",
    '{"name": "f"',
    "}",
    '"',
    "\\",
    "\n",
    "<|im_end|>",
    "<tool_response>",
    "x",
    "é",
    "\ud83d",
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["a", "b", 'q"']), VALUES))
def test_it_reads_what_it_writes(arguments: dict[str, Any]) -> None:
    call = ToolCall("", "f", arguments)
    try:
        block = render((call,))
    except Unwritable:
        return
    assert calls_in(block + "\nmore") == [call]
    assert calls_in(f"{block}\n{block}") == [call, call]


def test_closers_in_strings_can_be_written() -> None:
    for value in ("</tool_call>", "}</tool_call>", '"}}</tool_call>\n<tool_call>{"name": "g"}', "</tool_call></tool_call>"):
        assert render((ToolCall("", "f", {"a": value}),))


def test_what_is_no_json_is_not_written() -> None:
    for arguments in ("text", {"a": float("nan")}):
        with pytest.raises(Unwritable):
            render((ToolCall("", "f", arguments),))


def test_the_prompt_shows_a_right_example() -> None:
    prompt = describe((TOOL,))
    assert calls_in(prompt[prompt.rindex("<tool_call>") :]) == [ToolCall("", "f", {"a": "the a"})]


@pytest.mark.parametrize("head", ["", "<tool_call>", '<tool_call>{"name": "f", "arguments": {"a": "'])
@pytest.mark.parametrize(
    "unit",
    [
        OPEN,
        CLOSE,
        '"',
        "\\",
        "{[",
        "]}",
        "<",
        '"}}</tool_call>\n',
        "<tool_call>{",
        '{"a":"',
        "x</tool_call>",
        "<tool_call>```json\n{}```x",
        "<tool_call>```  ",
        "{}}}</tool_call>",
    ],
)
def test_time_is_linear(head: str, unit: str) -> None:
    assert decodes_linearly(READS, unit, head)


GOOD = '{"name": "f", "arguments": {"a": "x"}}'


@pytest.mark.parametrize(
    "body",
    [
        f"\n```json\n{GOOD}\n```\n",
        f"```\n{GOOD}```",
        f"\n~~~json\n{GOOD}\n~~~\n",
        f"\n{GOOD}}}\n",
        f"{GOOD}}}}}",
        f"```json\n{GOOD}}}\n```",
    ],
)
def test_a_fence_and_surplus_closers_are_taken_off(body: str) -> None:
    text = f"<tool_call>{body}</tool_call>"
    assert calls_in(text) == [ToolCall("", "f", {"a": "x"})]
    assert calls_in(f"{text}\n{text}\nDone.") == [ToolCall("", "f", {"a": "x"})] * 2


@pytest.mark.parametrize(
    "text",
    [
        f"A call follows <tool_call>\n```json\n{GOOD}\n```\nand that is all.",
        f"A call follows <tool_call>\n```json\n{GOOD}\n```\n",
        f"A call follows <tool_call>\n```json\n{GOOD}\n```\n<|im_end|>",
        "The <tool_call>``` is odd {}</tool_call>",
        "The <tool_call>`{}` is odd",
    ],
)
def test_a_fence_without_the_closing_tag_is_text(text: str) -> None:
    assert calls_in(text) == []


@pytest.mark.parametrize(
    "text", [f"<tool_call> \n ```json \n\n{GOOD}}}\n``` \n</tool_call>\nDone.", f"x <tool_call>\n```json\n{GOOD}\n```\nDone."]
)
def test_cuts_of_fences_do_not_matter(text: str) -> None:
    def cut(*pieces: str) -> list[Event]:
        decoder = decoder_for(grammar(READS, (TOOL,)))
        return merge([*(event for piece in pieces for event in decoder.feed(piece)), *decoder.finish()])

    whole = cut(text)
    assert cut(*text) == whole
    for at in range(1, len(text)):
        assert cut(text[:at], text[at:]) == whole


def test_the_prompt_is_written_for_any_schema() -> None:
    tool = ToolSpec("f", "", {"type": "object", "properties": {"a": {"default": float("nan")}}, "required": ["a"]})
    assert '{"name": "function_name", "arguments": {"parameter_name": "value"}}' in describe((tool,))
