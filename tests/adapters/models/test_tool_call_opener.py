"""Several formats open with `<tool_call>`: side by side, in whatever order, each reads its own and leaves prose alone."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from adapters.base import Dialect
from adapters.decoding import decode as decode_text
from adapters.decoding import decoder_for
from adapters.grammar import grammar
from adapters.models.arg_pairs import GLM
from adapters.models.hermes_json import HERMES_JSON
from adapters.models.qwen_xml import QWEN_XML
from rules.conversation import ToolCall, ToolSpec
from tests.adapters.models.corpus_cases import cases_of, decode, grammar_of, judge
from tests.adapters.models.cut_decoding import calls_among, text_among

SHARING = (HERMES_JSON, QWEN_XML, GLM)
IN_EACH_ORDER = pytest.mark.parametrize(
    "reads", list(permutations(SHARING)), ids=lambda each: ", ".join(one.name for one in each)
)
CASES = [pytest.param(case, id=case["id"]) for file in ("hermes-json", "qwen-xml", "glm") for case in cases_of(file)]
TOOL = ToolSpec("f", "", {"type": "object", "properties": {"a": {"type": "string"}}})
CALL = ToolCall("", "f", {"a": "x"})


@IN_EACH_ORDER
@pytest.mark.parametrize("case", CASES)
def test_each_corpus_is_read_rightly(case: dict[str, Any], reads: tuple[Dialect, ...]) -> None:
    using = grammar_of(case, reads)
    whole = decode(case, using, [case["raw"]])
    assert judge(case, whole) == ""
    raw = case["raw"]
    assert decode(case, using, [raw[at : at + 3] for at in range(0, len(raw), 3)]) == whole


@IN_EACH_ORDER
def test_calls_of_all_kinds_follow_each_other(reads: tuple[Dialect, ...]) -> None:
    for one in SHARING:
        for other in SHARING:
            text = f"{one.render((CALL,))}\n{other.render((CALL,))}\nDone."
            events = decode_text(text, grammar(reads, (TOOL,)))
            assert calls_among(events) == [CALL, CALL]


@IN_EACH_ORDER
@pytest.mark.parametrize("other", SHARING, ids=lambda each: each.name)
def test_a_call_in_a_value_is_its_values(reads: tuple[Dialect, ...], other: Dialect) -> None:
    inner = f"Write:\n{other.render((ToolCall('', 'demo', {'city': 'Paris'}),))}\nand go on."
    for one in SHARING:
        call = ToolCall("", "f", {"a": inner})
        events = decode_text(one.render((call,)), grammar(reads, (TOOL,)))
        assert calls_among(events) == [call]


@IN_EACH_ORDER
@pytest.mark.parametrize(
    "text", ["Our <tool_call> envelope is", "Our <tool_call>: it is", "Our <tool_call>-tags are", "<tool_call> is how f begins "]
)
def test_prose_about_the_opener_is_released_at_once(reads: tuple[Dialect, ...], text: str) -> None:
    decoder = decoder_for(grammar(reads, (TOOL,)))
    assert text_among(decoder.feed(text)) == text
