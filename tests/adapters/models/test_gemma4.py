"""The Gemma 4 dialect: the corpus in every cut, and what it writes and declares."""

from __future__ import annotations

import re
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Unwritable
from adapters.decoding import decode as decode_text
from adapters.grammar import grammar
from adapters.models import gemma4_values
from adapters.models.gemma4 import GEMMA4, describe, render
from adapters.registry import DIALECTS
from rules.conversation import ToolCall, ToolSpec
from tests.adapters.models.cut_decoding import calls_among
from tests.linear import grows_linearly

READS = (GEMMA4, *(each for each in DIALECTS.values() if each is not GEMMA4 and not each.asked))
TOOL = ToolSpec(
    "run", "Run it.", {"type": "object", "properties": {"a": {"type": "string"}, "n": {"type": "integer", "minimum": 1}}}
)


def calls_in(text: str) -> list[ToolCall]:
    return calls_among(decode_text(text, grammar(READS, (TOOL,))))


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
        render((ToolCall("", "run", arguments),))


def test_a_declaration_keeps_what_gemmas_template_drops() -> None:
    assert '"minimum": 1' in describe((TOOL,))
    assert describe((TOOL,)) == describe((TOOL,))


M = '<|"|>'
SHELL = ToolSpec(
    "sh",
    "",
    {
        "type": "object",
        "properties": {name: {"type": "string"} for name in ("command", "security_risk", "old_str", "new_str")}
        | {"timeout": {"type": "integer"}, "list": {"type": "array", "items": {"type": "object"}}},
    },
)


def shell_calls(text: str) -> list[ToolCall]:
    return calls_among(decode_text(text, grammar(READS, (SHELL,))))


@pytest.mark.parametrize(
    "text",
    [
        "<|tool_call>call:sh{command:rm -rf /tmp/{a,b}",
        "<|tool_call>call:sh{command:rm -rf ${f}",
        '<|tool_call>call:sh{command:"x = {"a": "b"}',
        f"<|tool_call>call:sh{{security_risk:{M}LOW{M},command:{M}Gemma ends calls with <tool_call|> and then",
        f"<|tool_call>call:sh{{command:{M}echo <tool_call|>",
    ],
)
def test_a_cut_value_never_makes_a_whole_call(text: str) -> None:
    assert not any(call.whole for call in shell_calls(text))


@pytest.mark.parametrize(
    "inside",
    [
        '{command:"python -c "d = {"a": "b", "c": 1}"", security_risk:"LOW"}',
        f"{{command:{M}ls{M}}},security_risk:{M}LOW{M}}}",
        f"{{command:{M}ls{M}}} && rm -rf /",
        f"{{command:{M},security_risk:LOW{M}}}",
        f"{{list:[{{title:Fix parser, notes: handle dates{M}}}]}}",
    ],
)
def test_what_can_be_read_in_two_ways_is_asked_for_again(inside: str) -> None:
    [call] = shell_calls(f"<|tool_call>call:sh{inside}<tool_call|>")
    assert isinstance(call.arguments, str)


@pytest.mark.parametrize(
    ("inside", "arguments"),
    [
        (
            f"command:ffmpeg -vf scale=1, timeout=30{M},security_risk:{M}LOW{M}",
            {"command": "ffmpeg -vf scale=1, timeout=30", "security_risk": "LOW"},
        ),
        (f'command:"$HOME/bin/x" --a "b c"{M}', {"command": '"$HOME/bin/x" --a "b c"'}),
        (f'command:"ls"{M}', {"command": "ls"}),
        (f"old_str:{M}    x = 1{M},new_str:    x = 2{M}", {"old_str": "    x = 1", "new_str": "    x = 2"}),
    ],
)
def test_a_missing_opening_marker_costs_no_character(inside: str, arguments: dict[str, Any]) -> None:
    assert shell_calls(f"<|tool_call>call:sh{{{inside}}}<tool_call|>") == [ToolCall("", "sh", arguments)]


@pytest.mark.parametrize("text", ["sh{color:red}\nis a rule.", "sh{command:rm -rf /,security_risk:LOW}\nwhich removes all."])
def test_a_name_and_braces_with_text_behind_them_are_prose(text: str) -> None:
    assert shell_calls(text) == []


def test_many_bare_values_cost_linear_time() -> None:
    using = grammar(READS, (SHELL,))
    assert grows_linearly(
        lambda text: decode_text(text, using), lambda size: "<|tool_call>call:sh{" + "a:b," * (size // 4) + "x:<|", 20_000
    )


ITEMS = st.one_of(
    st.integers(-(10**18), 10**18).map(str),
    st.sampled_from(["007", "-", "-0", "1e3", "1.5", "", " 7", "7 ", "x", '<|"|>y<|"|>', "[3]"]),
)


@given(st.lists(ITEMS, max_size=6), st.sampled_from(["]}", "]", ",]}", "}", ']<|"|>}', ""]), st.booleans())
def test_whole_numbers_are_read_by_a_short_cut_as_they_are_without_it(items: list[str], end: str, closed: bool) -> None:
    text = "{x:[" + ",".join(items) + end
    short = gemma4_values.read_arguments(text, {}, closed=closed)
    with mock.patch.object(gemma4_values, "_INTEGER", re.compile(r"(?!)")):
        assert short == gemma4_values.read_arguments(text, {}, closed=closed)
