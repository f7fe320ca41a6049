"""The corpus of each dialect, decoded, mended and scored as tests/corpus/README.md says, in every cut."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.base import Dialect
from adapters.registry import DIALECTS
from tests.adapters.models.corpus_cases import cases_of, cuts, decode, grammar_of, judge

READ_BY = {
    "gemma4": ("gemma4",),
    "glm": ("glm",),
    "granite": ("granite", "granite_20b"),
    "harmony": ("harmony",),
    "hermes-json": ("hermes_json",),
    "json-fence": ("json_fence",),
    "kimi": ("kimi_k2", "kimi_k3"),
    "llama-json": ("llama_json",),
    "mistral": ("mistral",),
    "openhands-text": ("qwen_xml",),
    "other": ("phi4", "cohere", "functiongemma", "json_fence"),
    "pythonic": ("pythonic", "llama4_pythonic", "tool_code"),
    "qwen-xml": ("qwen_xml",),
}
"""File of the corpus -> the dialects that are read first; the others follow, as in a profile."""

FAILING: dict[str, str] = {}
"""Case -> why it cannot pass. Empty is the aim; a case that passes must leave."""

CASES = [pytest.param(case, own, id=case["id"]) for file, own in READ_BY.items() for case in cases_of(file)]


def reads(own: tuple[str, ...]) -> list[Dialect]:
    return [*(DIALECTS[name] for name in own), *(each for name, each in DIALECTS.items() if name not in own and not each.asked)]


@pytest.mark.parametrize(("case", "own"), CASES)
def test_the_corpus_is_read_and_mended(case: dict[str, Any], own: tuple[str, ...]) -> None:
    wrong = judge(case, decode(case, grammar_of(case, reads(own)), [case["raw"]]))
    assert bool(wrong) == (case["id"] in FAILING), wrong


@pytest.mark.parametrize(("case", "own"), CASES)
def test_cuts_do_not_matter(case: dict[str, Any], own: tuple[str, ...]) -> None:
    using = grammar_of(case, reads(own))
    whole = decode(case, using, [case["raw"]])
    for pieces in cuts(case):
        assert decode(case, using, pieces) == whole
