"""JSON in code fences: a call at the start or the end of a turn, a quotation where prose stands on both sides."""

from __future__ import annotations

import pytest

from adapters.base import Unwritable
from adapters.decoding import decoder_for
from adapters.grammar import grammar
from adapters.models.json_fence import JSON_FENCE, describe, render, result
from rules.conversation import ToolCall
from tests.adapters.models.corpus_cases import decodes_linearly
from tests.adapters.models.json_samples import CALL, GOOD, TOOLS, parts_of

FENCE = f"```json\n{GOOD}\n```"


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        (FENCE, ""),
        (f"```\n{GOOD}```", ""),
        (f"```tool_call\n{GOOD}\n```\n", "\n"),
        (f"``` JSON\n\n{GOOD}\n\n```", ""),
        (f"```json {GOOD} ```", ""),
        (f"{FENCE}\nThat is all.", "\nThat is all."),
        (f"I call it:\n\n{FENCE}", "I call it:\n\n"),
        (f"```json\n{GOOD}", ""),
        (f"```json\n{GOOD}\n``", ""),
        ('```json\n{"name": "f", "arguments": {"a": "x"}\n```', ""),
        ('```json\n{"tool": "f", "args": {"a": "x"}}\n```', ""),
        ('```json\n{"action": "f", "action_input": {"a": "x"}}\n```', ""),
        ('{"function": {"name": "f", "arguments": {"a": "x"}}}', ""),
        ('Call f {"a": "x"}', ""),
    ],
)
def test_a_call_is_read(text: str, visible: str) -> None:
    assert parts_of(text, "json_fence") == ([CALL], visible)


@pytest.mark.parametrize(
    "text",
    [
        f"Write it so:\n{FENCE}\nand no other way.",
        f"Write them so:\n{FENCE}\n\n{FENCE}\nand no other way.",
        f"Write it so:\n{FENCE}\n```python\nx = 1\n```",
        f"```python\n{GOOD}\n```",
        f"```json\n{GOOD}\nand more\n```",
        f"````json\n{GOOD}\n````",
        '```json\n[{"name": "marek", "bib": 77}]\n```',
        '```json\n{"x": 1}\n```',
        '```json\n{"name": "f"}\n```',
        "```\nplain\n```",
        "```json\n\n```",
        'Call me {"a": "x"}',
        'Call f {"a": "x"} and see',
        'Now Call f {"a": "x"}',
    ],
)
def test_what_is_no_call_stays_text(text: str) -> None:
    assert parts_of(text, "json_fence") == ([], text)


def test_several_fences_at_the_end_are_all_calls() -> None:
    assert parts_of(f"Both:\n{FENCE}\n\n{FENCE}\n", "json_fence") == ([CALL, CALL], "Both:\n\n")
    assert parts_of(f"{FENCE}\n{FENCE}\nDone.", "json_fence") == ([CALL, CALL], "\n\nDone.")


def test_one_fence_may_hold_several() -> None:
    for body in (f"{GOOD}\n{GOOD}", f"[{GOOD},\n{GOOD}]", f"{GOOD},\n{GOOD}"):
        assert parts_of(f"```json\n{body}\n```", "json_fence") == ([CALL, CALL], "")


def test_a_fence_inside_a_string_is_data() -> None:
    [call], _ = parts_of('```json\n{"name": "f", "arguments": {"a": "```\\n```"}}\n```', "json_fence")
    assert call.arguments == {"a": "```\n```"}


def test_a_name_alone_counts_where_nothing_follows() -> None:
    text = '```json\n{"name": "stop"}\n```'
    assert parts_of(text, "json_fence") == ([ToolCall("", "stop", {})], "")
    assert parts_of(f"{text}\nis a record.", "json_fence")[0] == []


def test_a_cut_fence_is_not_whole() -> None:
    [call], _ = parts_of('```json\n{"name": "f", "arguments": {"a": "x', "json_fence")
    assert (call.name, call.arguments, call.whole) == ("f", '{"a": "x', False)


def test_other_fences_are_released_at_once() -> None:
    decoder = decoder_for(grammar([JSON_FENCE], TOOLS))
    for piece in ("Text\n```python\nx", ' = {"a": 1}\n```\n```json\n{"x', '": 1}'):
        assert "".join(event.raw for event in decoder.feed(piece)) == piece


def test_it_reads_what_it_writes() -> None:
    calls = (ToolCall("", "f", {"a": "```\n}\"{'"}), ToolCall("", "stop", {}))
    assert parts_of(f"Now.\n{render(calls)}", "json_fence") == (list(calls), "Now.\n")


@pytest.mark.parametrize("call", [ToolCall("", "f", "text"), ToolCall("", "f", {"a": float("inf")}), ToolCall("", "", {})])
def test_what_it_cannot_carry_is_refused(call: ToolCall) -> None:
    with pytest.raises(Unwritable):
        render((call,))


def test_the_prompt_shows_a_right_example() -> None:
    assert '```json\n{"name": "f", "arguments": {"a": "the a"}}\n```' in describe(TOOLS)
    assert result("f", "done") == "Result of f:\ndone"


@pytest.mark.parametrize("head", ["", "x\n", "```json\n", '```json\n{"name": "f", "arguments": {"a": "'])
@pytest.mark.parametrize(
    "unit", ["```\n", "```json\n", f"{FENCE}\n", f"{FENCE}x\n", "`", " ", "```json\n{", "Call f ", 'Call f {"a": "', f"{GOOD}\n"]
)
def test_time_is_linear(head: str, unit: str) -> None:
    assert decodes_linearly([JSON_FENCE], unit, head, size=8_000)
