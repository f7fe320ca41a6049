"""docs/engine.md says what is known of the engine."""

from __future__ import annotations

from dataclasses import replace

from adapters.engine.base import Known
from adapters.engine.registry import FAULTS
from adapters.engine.signatures import always
from docs.engine_page import PAGE, page, versions


def test_the_page_is_what_the_generator_writes() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `make docs`"


def test_every_fault_has_its_row() -> None:
    text = page()
    for each in FAULTS:
        assert f"\n| `{each.name}` |" in text


def test_the_versions_of_a_fault_are_told_as_they_are_known() -> None:
    known = Known("a-fault", frozenset(), "", always)
    assert versions(known) == "not said"
    assert versions(replace(known, seen="0.32", told="0.29", gone="0.33")) == "seen 0.32, told of 0.29, gone in 0.33"
