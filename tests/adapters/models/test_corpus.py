"""The corpus of each dialect, decoded, mended and scored as tests/corpus/README.md says, in every cut."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.base import Dialect
from adapters.registry import DIALECTS
from tests.adapters.models.corpus_cases import cases_of, cuts, decode, grammar_of, judge, pieces

READ_BY = {
    "deepseek": ("deepseek_v4", "deepseek_v32", "deepseek_v31", "deepseek_v3"),
    "gemma4": ("gemma4",),
    "glm": ("glm",),
    "granite": ("granite", "granite_20b"),
    "harmony": ("harmony",),
    "hermes-json": ("hermes_json",),
    "json-fence": ("json_fence",),
    "kimi": ("kimi_k2", "kimi_k3"),
    "llama-json": ("llama_json",),
    "minimax": ("minimax_m2",),
    "mistral": ("mistral",),
    "openhands-text": ("qwen_xml",),
    "other": ("phi4", "cohere", "functiongemma", "json_fence"),
    "pythonic": ("pythonic", "llama4_pythonic", "tool_code"),
    "qwen-xml": ("qwen_xml",),
    "xml-generic": ("xml_generic", "function_calls"),
}
"""File of the corpus -> the dialects that are read first; the others follow, as in a profile."""

FAILING: dict[str, str] = {}
"""Case -> why it cannot pass. Empty is the aim; a case that passes must leave."""

COMMON = ("hermes_json", "qwen_xml", "gemma4")
"""What a model that drifts falls into first."""

CASES = [pytest.param(case, own, id=case["id"]) for file, own in READ_BY.items() for case in cases_of(file)]


def reads(own: tuple[str, ...]) -> list[Dialect]:
    return [*(DIALECTS[name] for name in own), *(each for name, each in DIALECTS.items() if name not in own and not each.asked)]


@pytest.mark.parametrize(("case", "own"), CASES)
def test_the_corpus_is_read_and_mended(case: dict[str, Any], own: tuple[str, ...]) -> None:
    wrong = judge(case, decode(case, grammar_of(case, reads(own)), [case["raw"]]))
    assert bool(wrong) == (case["id"] in FAILING), wrong


@pytest.mark.parametrize(("case", "own"), CASES)
def test_cuts_do_not_matter(case: dict[str, Any], own: tuple[str, ...]) -> None:
    """Every single cut as a profile would read it, which is fast; even pieces with every dialect there is."""
    few = grammar_of(case, [DIALECTS[name] for name in dict.fromkeys((*own, *COMMON))])
    every = grammar_of(case, reads(own))
    for using, ways in ((few, cuts(case)), (every, pieces(case))):
        whole = decode(case, using, [case["raw"]])
        for each in ways:
            assert decode(case, using, each) == whole
