"""The dialects that write Qwen's XML in a way of their own: tags, thoughts and frames, and that Qwen's own stay Qwen's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Dialect, Text, Thinking, Unwritable
from adapters.decoding import decode
from adapters.grammar import grammar
from adapters.models.hermes_json import HERMES_JSON
from adapters.models.qwen_xml import QWEN_XML, as_text
from adapters.models.qwen_xml_family import MIMO, SEED_OSS
from rules.conversation import ToolCall, ToolSpec
from tests.adapters.models.corpus_cases import cases_of, cuts, decodes_linearly, grammar_of, judge
from tests.adapters.models.corpus_cases import decode as decode_case
from tests.adapters.models.cut_decoding import calls_among

TOOL = ToolSpec("f", "", {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}})
FAMILY = pytest.mark.parametrize("dialect", [SEED_OSS, MIMO], ids=lambda each: each.name)


def calls_in(text: str, *reads: Dialect) -> list[ToolCall]:
    return calls_among(decode(text, grammar(reads, (TOOL,))))


def wrong_with(case: dict[str, Any], *reads: Dialect) -> str:
    return judge(case, decode_case(case, grammar_of(case, reads), [case["raw"]]))


def as_seed(case: dict[str, Any]) -> dict[str, Any]:
    """Write a case with Seed's tags in the place of Qwen's."""
    text = json.dumps({key: value for key, value in case.items() if key != "stream_chunks"})
    for qwens, seeds in (("tool_call>", "seed:tool_call>"), ("think>", "seed:think>"), ("thinking>", "seed:think>")):
        text = text.replace(f"<{qwens}", f"<{seeds}").replace(f"</{qwens}", f"</{seeds}")
    written: dict[str, Any] = json.loads(text.replace("<|im_end|>", "<seed:eos>"))
    return written


CASES = cases_of("qwen-xml")
SEEDS = [pytest.param(as_seed(case), id=case["id"]) for case in CASES if not wrong_with(case, QWEN_XML)]
"""What Qwen's dialect reads alone; the other cases drift into other dialects."""


def test_nearly_all_of_qwens_corpus_is_tried() -> None:
    assert len(SEEDS) > 0.9 * len(CASES)


@pytest.mark.parametrize("case", SEEDS)
def test_seed_reads_qwens_corpus_under_its_own_tags(case: dict[str, Any]) -> None:
    using = grammar_of(case, (SEED_OSS,))
    whole = decode_case(case, using, [case["raw"]])
    assert judge(case, whole) == ""
    for pieces in list(cuts(case))[::7]:
        assert decode_case(case, using, pieces) == whole


def test_seeds_thought_is_no_text() -> None:
    text = "<seed:think>\nWhat? <seed:cot_budget_reflect>I used 9.</seed:cot_budget_reflect>\n</seed:think>Done."
    thought, said = decode(text, grammar((SEED_OSS,), (TOOL,)))
    assert isinstance(thought, Thinking)
    assert said == Text("Done.")


def test_mimo_keeps_every_character_of_a_value() -> None:
    text = "<tool_call>\n<function=f>\n<parameter=a>\nx\n</parameter>\n<parameter=b> y </parameter>\n</function>\n</tool_call>"
    assert calls_in(text, MIMO) == [ToolCall("", "f", {"a": "\nx\n", "b": " y "})]
    assert calls_in(text, QWEN_XML) == [ToolCall("", "f", {"a": "x", "b": " y "})]


def test_mimo_takes_the_frame_of_the_next_tag_off_where_a_closer_is_missing() -> None:
    text = "<tool_call>\n<function=f>\n<parameter=a>x\n<parameter=b>y</parameter>\n</function>\n</tool_call>"
    assert calls_in(text, MIMO) == [ToolCall("", "f", {"a": "x", "b": "y"})]


def test_each_reads_its_own_wrapper_beside_the_others() -> None:
    call = ToolCall("", "f", {"a": "x"})
    for reads in ((SEED_OSS, QWEN_XML, HERMES_JSON), (HERMES_JSON, QWEN_XML, SEED_OSS)):
        for dialect in (SEED_OSS, QWEN_XML):
            assert calls_in(f"{dialect.render((call, call))}\nDone.", *reads) == [call, call]


PIECES = ("</parameter>", "</function>", "</tool_call>", "</seed:tool_call>", "<seed:tool_call>", "<function=f>", "<parameter=a>")
TEXTS = st.lists(st.sampled_from((*PIECES, "\n", " ", "x", "é", "<")), max_size=8).map("".join)


@FAMILY
@given(arguments=st.dictionaries(st.sampled_from(["a", "b"]), TEXTS | st.integers()))
def test_it_reads_what_it_writes(dialect: Dialect, arguments: dict[str, Any]) -> None:
    try:
        block = dialect.render((ToolCall("", "f", arguments),))
    except Unwritable:
        return
    expected = ToolCall("", "f", {key: as_text(value) for key, value in arguments.items()})
    assert calls_in(f"{block}\nmore", dialect) == [expected]
    assert calls_in(f"{block}\n{block}", dialect) == [expected, expected]


@FAMILY
def test_what_would_be_misread_is_not_written(dialect: Dialect) -> None:
    for call in (
        ToolCall("", "f", {"a": "x</parameter>\n</function>"}),
        ToolCall("", "f", "x"),
        ToolCall("", "no name", {"a": "</function>"}),
    ):
        with pytest.raises(Unwritable):
            dialect.render((call,))


@FAMILY
def test_the_prompt_shows_a_right_example(dialect: Dialect) -> None:
    prompt = dialect.describe((TOOL,))
    assert calls_in(prompt[prompt.rindex(f"\n{dialect.closers[0].replace('/', '')}") :], dialect) == [
        ToolCall("", "f", {"a": "the a"})
    ]


@pytest.mark.parametrize("unit", ["<seed:tool_call>", "<function=f>", "<parameter=a>", "</parameter>", "</seed:tool_call>"])
def test_time_is_linear(unit: str) -> None:
    assert decodes_linearly((SEED_OSS, MIMO), unit, "<seed:tool_call>\n<function=f>\n<parameter=a>\n", size=10_000)
