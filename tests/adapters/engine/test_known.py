"""The table of known faults: each is told from the others by an answer that shows it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import get_args

import pytest

from adapters.engine.base import PARSERS, Kind
from adapters.engine.compare import compare
from adapters.engine.registry import FAULTS
from adapters.registry import DIALECTS
from tests.adapters.engine.examples import CUT, EXAMPLES, GEMMA, LS, heard
from tests.proxy.recorded import recorded

NAMES = [each.name for each in FAULTS]


def test_names_are_ids_and_parsers_have_dialects() -> None:
    assert len(set(NAMES)) == len(NAMES)
    for each in FAULTS:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", each.name)
        assert each.kinds <= set(get_args(Kind))
        assert each.kinds
        assert not each.dialect or each.dialect in PARSERS
        assert each.seen or each.told or each.gone or each.issues, "it is neither seen nor told of"
        assert all(re.fullmatch(r"[\w.-]+#\d+", issue) for issue in each.issues)
    assert PARSERS.keys() <= DIALECTS.keys()


def test_every_fault_has_an_example_or_was_recorded() -> None:
    assert EXAMPLES.keys() <= set(NAMES)
    assert set(NAMES) == EXAMPLES.keys() | {each.known_as for each in recorded()} - {""}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_taken_for_what_it_is(name: str) -> None:
    answer, version = EXAMPLES[name]
    answer = replace(answer, read=CUT) if answer.limited else answer
    found = compare(answer, version)
    known = next(each for each in FAULTS if each.name == name)
    assert found is not None
    assert (found.name, found.issues, found.version) == (name, known.issues, version)
    assert found.kind in known.kinds


@pytest.mark.parametrize("name", [each.name for each in FAULTS if each.gone and each.name in EXAMPLES])
def test_what_is_gone_is_not_named(name: str) -> None:
    answer, _ = EXAMPLES[name]
    answer = replace(answer, read=CUT) if answer.limited else answer
    gone = next(each.gone for each in FAULTS if each.name == name)
    found = compare(answer, f"{gone}.1")
    assert found is None or found.name != name
    unknown = compare(answer, "")
    assert unknown is not None
    assert unknown.version == ""


def test_another_familys_fault_is_not_named() -> None:
    quoted = ('{"command": "\\"ls\\""}',)
    found = compare(heard("gemma4", GEMMA, (LS,), quoted), "0.32.0")
    assert found is not None
    assert found.name == "gemma4-json-quotes"
    found = compare(heard("qwen_xml", GEMMA, (LS,), quoted), "0.32.0")
    assert found is not None
    assert (found.kind, found.name, found.issues) == ("call-misparsed", "", ())


def test_what_is_shown_is_bounded() -> None:
    long = '{"command": "' + "x" * 100_000 + '"}'
    found = compare(heard("gemma4", GEMMA, (long,), (LS,)), "")
    assert found is not None
    assert len(found.read) < 2000
    assert "characters cut" in found.read
