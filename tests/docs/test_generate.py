"""docs/dialects.md says what is registered, and every parser of vLLM has its place in it."""

from __future__ import annotations

import pytest

from adapters.registry import DIALECTS
from docs.generate import PAGE, conformance_of, page, parsers, reader_of, source_of, with_conformance
from docs.markdown import in_cell, in_code, in_prose

VLLM = frozenset({
    "apertus", "cohere_command3", "cohere_command4", "deepseek_v3", "deepseek_v31", "deepseek_v32", "deepseek_v4",
    "deepseek_v41", "dots", "ernie45", "functiongemma", "gemma4", "gigachat3", "glm45", "glm47", "granite", "granite-20b-fc",
    "granite4", "hermes", "hf", "hunyuan_a13b", "hy_v3", "hy_v4", "inkling", "internlm", "jamba", "k2_horizon", "kimi_k2",
    "kimi_k3", "lfm2", "ling3", "llama3_json", "llama4_json", "llama4_pythonic", "longcat", "mimo", "minicpm5", "minimax_m2",
    "minimax_m3", "mistral", "muse_glimmer", "olmo3", "openai", "phi4_mini_json", "plamo3", "poolside_v1", "pythonic",
    "qwen3_coder", "qwen3_json", "qwen3_xml", "seed_oss", "step3", "step3p5", "xlam",
})  # fmt: skip
"""The names under which vLLM 0.32 registers tool parsers."""


def test_the_page_is_what_the_generator_writes() -> None:
    text = PAGE.read_text("utf-8")
    assert text == page(text), "run `make docs`"


def test_a_dialect_that_the_conformance_table_lacks_is_named() -> None:
    rows = "".join(f"\n| {name} | 1 |" for name in DIALECTS)
    assert "Not tried yet" not in page(with_conformance(page(), rows))
    assert page(with_conformance(page(), rows.replace("| gemma4 |", "| gemma |"))).endswith("\nNot tried yet: gemma4.\n")


def test_every_parser_of_vllm_has_a_row() -> None:
    assert len(VLLM) == 54
    assert parsers().keys() == VLLM


@pytest.mark.parametrize("parser", sorted(VLLM))
def test_a_parser_is_read_by_a_dialect_or_there_is_a_reason(parser: str) -> None:
    assert not (reader_of(parser) and parsers()[parser])
    assert reader_of(parser) or parsers()[parser]


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_names_its_source(name: str) -> None:
    assert source_of(DIALECTS[name])


def test_another_conformance_table_leaves_the_page_as_it_is() -> None:
    text = with_conformance(page(), "| new |\n")
    assert conformance_of(text) == "| new |\n"
    assert page(text) == text
    assert page(with_conformance(text, "")) == page()


def test_what_markdown_would_take_for_markup_is_escaped() -> None:
    assert in_code("<a|b>\nc") == "`<a\\|b>⏎c`"
    assert in_code("```json\n") == "```` ```json⏎ ````"
    assert in_cell("a|b <c> *d* `e`") == "a\\|b &lt;c> \\*d\\* \\`e\\`"
    assert in_prose("a <b> in `<c*>`\n  and *d*") == "a &lt;b> in `<c*>` and \\*d\\*"
