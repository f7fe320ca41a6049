"""The DeepSeek dialects of V3 and V3.1: their part of the corpus, each form read under the other's name as well."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.base import Dialect, Event, Text
from adapters.decoding import decode
from adapters.grammar import grammar
from adapters.models.deepseek_v3 import DEEPSEEK_V3, DEEPSEEK_V31
from adapters.registry import DIALECTS
from rules.conversation import ToolCall, ToolSpec
from tests.adapters.models.corpus_cases import cases_of, grammar_of, judge
from tests.adapters.models.corpus_cases import decode as decode_case
from tests.adapters.models.cut_decoding import calls_among

CASES = [case for case in cases_of("deepseek") if "DSML" not in case["raw"]]
TOOLS = (ToolSpec("run", "", {"type": "object", "properties": {"a": {"type": "string"}}}),)
GROUP, CALL, SEP, END = "<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>"
GOOD = ToolCall("", "run", {"a": "x"})

both = pytest.mark.parametrize("dialect", [DEEPSEEK_V3, DEEPSEEK_V31], ids=lambda each: each.name)


def seen(text: str) -> list[Event]:
    return decode(text, grammar((DEEPSEEK_V3, DEEPSEEK_V31), TOOLS))


def calls_in(text: str) -> list[ToolCall]:
    return calls_among(seen(text))


@both
@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_one_form_is_read_under_the_others_name(dialect: Dialect, case: dict[str, Any]) -> None:
    using = grammar_of(case, [dialect, *(each for each in DIALECTS.values() if each is not dialect and not each.asked)])
    assert judge(case, decode_case(case, using, [case["raw"]])) == ""


@pytest.mark.parametrize(
    "text",
    [
        f'{CALL}run{SEP}{{"a": "x"}}{END}',
        f'{CALL}run{SEP}```json\n{{"a": "x"}}\n```{END}',
        f'{CALL}function{SEP}run\n{{"a": "x"}}{END}',
        f'{CALL}function{SEP}run\n```\n{{"a": "x"}}\n```{END}',
        f'{GROUP}\n{CALL}run{SEP}{{"a": "x"}}\n{END}\n<｜tool▁calls▁end｜><｜end▁of▁sentence｜>',
        f'<｜tool calls begin｜>{CALL}run{SEP}{{"a": "x"}}{END}',
    ],
)
def test_a_call_is_found_in_either_form(text: str) -> None:
    assert calls_in(text) == [GOOD]


@both
def test_each_writes_its_own_form(dialect: Dialect) -> None:
    text = dialect.render((GOOD, GOOD))
    assert ("```json" in text) == (dialect is DEEPSEEK_V3)
    assert calls_in(text) == [GOOD, GOOD]


def test_a_fence_around_broken_arguments_is_no_part_of_them() -> None:
    [call] = calls_in(f'{CALL}function{SEP}run\n```json\n{{"a": "say "hi""}}\n```{END}')
    assert call == ToolCall("", "run", '{"a": "say "hi""}')


@pytest.mark.parametrize("text", [f"The {CALL} token.", f"First {GROUP}, then the calls.", f"A {SEP} parts them."])
def test_prose_is_text(text: str) -> None:
    assert seen(text) == [Text(text)]


def test_an_invented_result_is_dropped() -> None:
    text = DEEPSEEK_V31.render((GOOD,))
    assert not any(isinstance(event, Text) for event in seen(f"{text}<｜tool▁outputs▁begin｜>42<｜tool▁outputs▁end｜>It is 42."))
