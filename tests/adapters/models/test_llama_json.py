"""Llama's bare JSON: a call where it names a declared tool and brings arguments, text everywhere else."""

from __future__ import annotations

import pytest

from adapters.base import Call, Text, Unwritable
from adapters.decoding import decode, decoder_for
from adapters.grammar import grammar
from adapters.models.llama_json import LLAMA_JSON, describe, render
from rules.conversation import ToolCall, ToolSpec
from tests.adapters.models.corpus_cases import decodes_linearly
from tests.adapters.models.json_samples import CALL, GOOD, TOOLS, parts_of


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        (GOOD, ""),
        (f"<|python_tag|>{GOOD}<|eom_id|>", ""),
        (f"<|python_start|>{GOOD}<|python_end|>", ""),
        (f"Here: {GOOD} Shall I?", "Here:  Shall I?"),
        (f"{GOOD}}}", ""),
        (f"[{GOOD}]", ""),
        ('{"type": "function", "function": {"name": "f", "parameters": {"a": "x"}}}', ""),
        ('{"name": "f", "a": "x"}', ""),
        ("{'name': 'f', 'parameters': {'a': 'x'}} done", " done"),
        ('{"parameters": {"a": "x"}, "name": "f"}', ""),
    ],
)
def test_a_call_is_read(text: str, visible: str) -> None:
    assert parts_of(text, "llama_json") == ([CALL], visible)


@pytest.mark.parametrize("between", ["; ", ";", "\n", ", ", ";\n"])
def test_several_calls_are_parted_by_what_reaches_nobody(between: str) -> None:
    calls, visible = parts_of(f"{GOOD}{between}{GOOD}", "llama_json")
    assert (calls, visible.strip()) == ([CALL, CALL], "")


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Ingrid", "arguments": {"a": "x"}}',
        '{"name": "f"}',
        '{"name": "f", "description": "F.", "parameters": {"type": "object"}}',
        '{"name": "stop"} ends it',
        'Say {"name": "stop"}',
        '{"name": "f", "arguments": 5}',
        '{"parameters": {"a": "x"}}',
        f"`{GOOD}`",
        f"> {GOOD}",
        f"```\n{GOOD}\n```",
        f"A call is ````json\n{GOOD}\n```` there.",
        '[{"name": "Ingrid", "age": 3}]',
        "<|python_tag|>print(1)",
    ],
)
def test_what_is_no_call_stays_text(text: str) -> None:
    assert parts_of(text, "llama_json") == ([], text)


def test_a_thought_only_plans() -> None:
    calls, _ = parts_of(f"<think>Perhaps {GOOD}</think>", "llama_json")
    assert calls == []
    calls, _ = parts_of(f"<think>Perhaps\n{GOOD}\n", "llama_json")
    assert calls == []


def test_an_unknown_name_beside_a_known_one_is_asked_about() -> None:
    calls, _ = parts_of(f'[{GOOD}, {{"name": "g", "arguments": {{}}}}]', "llama_json")
    assert [call.name for call in calls] == ["f", "g"]


def test_a_name_alone_is_a_call_where_it_is_the_whole_turn() -> None:
    assert parts_of('{"name": "stop"}', "llama_json") == ([ToolCall("", "stop", {})], "")


def test_cut_or_broken_arguments_stay_text_and_are_not_whole() -> None:
    for begun in ('{"a": "cut', "{bent antenna}", '{"a": "x"}<|eot_id|>'):
        [call], _ = parts_of('{"name": "f", "parameters": ' + begun, "llama_json")
        assert (call.name, call.arguments, call.whole) == ("f", begun.removesuffix("<|eot_id|>"), False)


def test_prose_with_braces_is_released_at_once() -> None:
    decoder = decoder_for(grammar([LLAMA_JSON], TOOLS))
    for piece in ('A set {1, 2} and a map {"x": 1}', '; [link](u), {"name": "Ingrid"', ', "age": 3}.'):
        assert "".join(event.raw for event in decoder.feed(piece)) == piece


def test_a_call_behind_many_braces_is_found() -> None:
    prose = r"\frac{a}{b} {x} " * 400
    decoder = decoder_for(grammar([LLAMA_JSON], TOOLS))
    *_, last = [*decoder.feed(prose + GOOD), *decoder.finish()]
    assert isinstance(last, Call)


def test_arguments_keep_the_text_they_came_as() -> None:
    for text in ('{"name": "f", "parameters": {"a":  1.0}}', '<|python_tag|>[{"name": "f", "parameters": {"a":  1.0}}]'):
        [call], _ = parts_of(text, "llama_json")
        assert call.written == '{"a":  1.0}'


def test_it_reads_what_it_writes() -> None:
    calls = (ToolCall("", "f", {"a": '"}; {"name": "f"'}), ToolCall("", "stop", {}), CALL)
    assert parts_of(f"Now.\n{render(calls)}", "llama_json") == (list(calls), "Now.\n")


@pytest.mark.parametrize("call", [ToolCall("", "f", "text"), ToolCall("", "f", {"a": float("nan")}), ToolCall("", 'a "b"', {})])
def test_what_it_cannot_carry_is_refused(call: ToolCall) -> None:
    with pytest.raises(Unwritable):
        render((call,))


def test_the_prompt_shows_a_right_example() -> None:
    assert '{"name": "f", "parameters": {"a": "the a"}}' in describe(TOOLS)


@pytest.mark.parametrize("head", ["", "<|python_tag|>", '{"name": "f", "arguments": {"a": "', "["])
@pytest.mark.parametrize(
    "unit",
    [
        "{",
        "[{",
        '{"name": "f", "arguments": {',
        '{"arguments": {',
        f"{GOOD}; ",
        f"{GOOD} ",
        '{"x": ',
        "}",
        '"',
        "\\",
        "<|python_tag|>",
    ],
)
def test_time_is_linear(head: str, unit: str) -> None:
    assert decodes_linearly([LLAMA_JSON], unit, head, size=8_000)


@pytest.mark.parametrize("before", ['He said "', "# ", "// ", "| ", "<!-- ", "It prints '"])
def test_what_is_shown_is_no_call(before: str) -> None:
    text = f'{before}{{"name": "f", "parameters": {{"a": "rm -rf /x"}}}}'
    tool = ToolSpec("f", "", {"type": "object", "properties": {"a": {"type": "string"}}})
    events = decode(text, grammar((LLAMA_JSON,), (tool,)))
    assert events == [Text(text)]
