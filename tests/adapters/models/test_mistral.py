"""The Mistral dialect: both forms, names in the wrong place, call ids, and markers that are only spoken of."""

from __future__ import annotations

import pytest

from adapters.base import Event, Markup, Text
from adapters.decoding import decode
from adapters.grammar import grammar
from adapters.models.mistral import MISTRAL, render
from rules.conversation import ToolCall, ToolSpec
from tests.adapters.models.cut_decoding import calls_among

TOOLS = tuple(ToolSpec(name, "", {"type": "object", "properties": {"a": {"type": "string"}}}) for name in ("run", "run_all"))


def seen(text: str) -> list[Event]:
    return decode(text, grammar((MISTRAL,), TOOLS))


def calls_in(text: str) -> list[ToolCall]:
    return calls_among(seen(text))


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ('[TOOL_CALLS]run[CALL_ID]abc123XYZ[ARGS]{"a": "x"}', ToolCall("", "run", {"a": "x"})),
        ('[TOOL_CALLS]run\n{"a": "x"}\nDone.', ToolCall("", "run", {"a": "x"})),
        ('[TOOL_CALLS] {"name": "run", "arguments": {"a": "x"}}', ToolCall("", "run", {"a": "x"})),
        ('[TOOL_CALLS] [{"name": "run", "arguments": {"a": "x"}, "id": "abc123XYZ"}]</s>', ToolCall("", "run", {"a": "x"})),
        ('Now.\nrun_all[ARGS]{"a": "x"}', ToolCall("", "run_all", {"a": "x"})),
        ('run[TOOL_CALLS]{"a": "x"}', ToolCall("", "run", {"a": "x"})),
        ("[TOOL_CALLS]run_a", ToolCall("", "run_a", "", whole=False)),
    ],
)
def test_a_call_is_found_however_it_is_written(text: str, call: ToolCall) -> None:
    assert calls_in(text) == [call]


@pytest.mark.parametrize("text", ['Then run[TOOL_CALLS]{"a": "x"}', 'my_run[TOOL_CALLS]{"a": "x"}'])
def test_a_name_within_a_line_is_not_trusted(text: str) -> None:
    assert calls_in(text) == [ToolCall("", "", '{"a": "x"}')]


@pytest.mark.parametrize(
    "text",
    [
        'my_run[ARGS]{"a": "x"}',
        "He wrote [TOOL_CALLS] today",
        "[TOOL_CALLS] comes first, [ARGS] second.",
        "[TOOL_CALLS]other[ARGS]something",
        "It is in [TOOL_CALLS] format [1].",
        "The <s>old</s> name\nand <s>another</s>\nof it.",
    ],
)
def test_prose_is_text(text: str) -> None:
    assert seen(text) == [Text(text)]


@pytest.mark.parametrize("blanks", ["", "\n", " \n\n"])
def test_the_end_token_is_one_only_at_the_end(blanks: str) -> None:
    assert seen(f"Done.</s>{blanks}")[:2] == [Text("Done."), Markup("</s>")]


def test_a_list_that_the_text_cuts_is_not_whole() -> None:
    for end in ("", ']["', '}, {"name'):
        for call in calls_in(f'[TOOL_CALLS] [{{"name": "run", "arguments": {{"a": "x"}}{end}'):
            assert not call.whole


def test_an_invented_result_is_dropped() -> None:
    assert seen('[TOOL_CALLS]run[ARGS]{"a": "x"}[TOOL_RESULTS]42[/TOOL_RESULTS]It is 42.')[1:] == [
        Markup("[TOOL_RESULTS]42[/TOOL_RESULTS]It is 42.")
    ]


@pytest.mark.parametrize(
    ("call_id", "written"), [("", ""), ("abc123XYZ", "[CALL_ID]abc123XYZ"), ("call_0123456789", ""), ("abc-23XYZ", "")]
)
def test_only_an_id_of_nine_letters_or_digits_is_written(call_id: str, written: str) -> None:
    assert render((ToolCall(call_id, "run", {}),)) == f"[TOOL_CALLS]run{written}[ARGS]{{}}"
