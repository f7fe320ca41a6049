"""The FunctionGemma dialect: its cases of the corpus in every cut, bare values, and what it writes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Call, Markup, Unwritable
from adapters.decoding import decode, decoder_for
from adapters.grammar import grammar
from adapters.models.functiongemma import FUNCTIONGEMMA, as_text, describe, render
from adapters.models.gemma4 import GEMMA4
from rules.conversation import ToolCall, ToolSpec
from tests.adapters.models.corpus_cases import cases_of, cuts, decodes_linearly, grammar_of, judge
from tests.adapters.models.corpus_cases import decode as decode_case
from tests.adapters.models.cut_decoding import calls_among, text_among

TOOL = ToolSpec("f", "", {"type": "object", "properties": {"a": {"type": "string"}, "b": {}}})
READS = (FUNCTIONGEMMA, GEMMA4)
CASES = [pytest.param(case, id=case["id"]) for case in cases_of("other") if case["family"] == "functiongemma"]


def calls_in(text: str) -> list[ToolCall]:
    return calls_among(decode(text, grammar(READS, (TOOL,))))


@pytest.mark.parametrize("reads", [READS, READS[::-1]], ids=["own first", "own last"])
@pytest.mark.parametrize("case", CASES)
def test_its_cases_are_read_in_every_cut(case: dict[str, Any], reads: tuple[Any, ...]) -> None:
    using = grammar_of(case, reads)
    whole = decode_case(case, using, [case["raw"]])
    assert judge(case, whole) == ""
    for pieces in cuts(case):
        assert decode_case(case, using, pieces) == whole


def test_bare_values_are_read_as_gemmas() -> None:
    text = "<start_function_call>call:f{a:<escape>x<escape>,b:{n:[1,true],s:<escape>y<escape>}}<end_function_call>"
    assert calls_in(text) == [ToolCall("", "f", {"a": "x", "b": {"n": [1, True], "s": "y"}})]


def test_a_value_that_begins_as_the_next_member_is_not_written() -> None:
    for write in (render, GEMMA4.render):
        with pytest.raises(Unwritable):
            write((ToolCall("", "f", {"a": ",b:"}),))


def test_a_cut_call_is_not_whole() -> None:
    [call] = calls_in("<start_function_call>call:f{a:<escape>rm -rf /tm")
    assert not call.whole


def test_gemmas_own_markers_in_a_call_leave_it_unread() -> None:
    [call] = calls_in('<start_function_call>call:f{a:<escape>x<|"|>,b:<|"|>y<escape>}<end_function_call>')
    assert isinstance(call.arguments, str)


def test_prose_is_released_at_once() -> None:
    decoder = decoder_for(grammar(READS, (TOOL,)))
    text = "The marker <start_function_call> comes first"
    assert text_among(decoder.feed(text)) == text


def test_an_invented_result_is_dropped() -> None:
    events = decode(render((ToolCall("", "f", {"a": "x"}),)) + "<start_function_response>response:f{}", grammar(READS, (TOOL,)))
    assert [type(event) for event in events] == [Call, Markup]


TEXTS = st.lists(
    st.sampled_from(("<escape>", "<end_function_call>", "<start_function_call>", ",b:", "{", "}", '<|"|>', "\n", "x", '"', "é")),
    max_size=6,
).map("".join)


@given(st.dictionaries(st.sampled_from(["a", "b"]), TEXTS | st.integers() | st.lists(st.booleans())))
def test_it_reads_what_it_writes(arguments: dict[str, Any]) -> None:
    try:
        block = render((ToolCall("", "f", arguments),))
    except Unwritable:
        return
    expected = ToolCall("", "f", {key: as_text(value) for key, value in arguments.items()})
    assert calls_in(f"{block}\nmore") == [expected]
    assert calls_in(block * 2) == [expected] * 2


def test_what_would_be_misread_is_not_written() -> None:
    for call in (
        ToolCall("", "f", {"a": "<escape>"}),
        ToolCall("", "f", {"a": '<|"|>'}),
        ToolCall("", "f", {"a b": 1}),
        ToolCall("", "f", "x"),
    ):
        with pytest.raises(Unwritable):
            render((call,))


def test_tools_are_declared_with_their_whole_schema() -> None:
    assert '"a": {"type": "string"}' in describe((TOOL,))


@pytest.mark.parametrize("unit", ["<escape>", "<start_function_call>", "call:f{", "<end_function_call>", "a:<escape>x<escape>,"])
def test_time_is_linear(unit: str) -> None:
    assert decodes_linearly(READS, unit, "<start_function_call>call:f{a:<escape>", size=10_000)
