"""The run over BFCL counts rightly, and says so where a call became another."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from rules.conversation import Json, ToolCall
from tests.conformance.bfcl_cases import Case, make_case
from tests.conformance.damage import FAULTS, damaged, failed, outcome, table
from tests.damage.faults import Right
from tests.damage.shapes import shape_of


def case() -> Case:
    declared = {"location": {"type": "string"}, "days": {"type": "integer"}, "unit": {"type": "string", "enum": ["C", "F"]}}
    function = {"name": "weather.get", "parameters": {"type": "dict", "properties": declared, "required": ["location", "days"]}}
    truth: dict[str, list[Json]] = {"location": ["Paris"], "days": [3], "unit": ["C"]}
    return make_case("c", [function], [{"weather.get": truth}])


def right() -> Right:
    found = case()
    return Right(found.calls[0], shape_of(found.tools[0].parameters), found.tools)


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"location": "Paris", "days": "3", "unit": "c"}, "back"),
        ({"location": "Paris", "unit": "C"}, "asked"),
        ({"location": "Paris", "days": 3}, "kept"),
        ({"location": "Paris", "days": "4", "unit": "C"}, "unsafe"),
    ],
)
def test_outcomes(arguments: dict[str, Json], kind: str) -> None:
    assert outcome(ToolCall("", "weather.get", arguments), right(), FAULTS[0])[0] == kind


def test_every_call_is_damaged_once_by_each_fault_that_it_can_have() -> None:
    _, found = damaged((7, case()))
    names = [fault for fault, _, _ in found]
    assert len(names) == len(set(names))
    assert {"numbers as text", "keys with a slip", "the name in namespaces", "nothing for what is needed"} <= set(names)
    assert {kind for _, kind, _ in found} <= {"back", "asked", "kept"}


def test_one_unsafe_repair_or_one_of_a_hundred_lost_fails_the_run() -> None:
    good = {fault.name: Counter(back=99, asked=1) for fault in FAULTS}
    assert not failed(good)
    assert failed(good | {FAULTS[0].name: Counter(back=98, asked=2)})
    assert failed(good | {FAULTS[-1].name: Counter(asked=999, unsafe=1)})


def test_the_table_sums_up() -> None:
    tally = {fault.name: Counter(back=1) if fault.knowable else Counter(asked=2) for fault in FAULTS}
    text = table(tally, [case(), replace(case(), calls=())])
    knowable = sum(fault.knowable for fault in FAULTS)
    assert text.startswith("The 2 cases")
    assert f"| *all that lose nothing* | {knowable} | {knowable} (100.00 %) | 0 | 0 | 0 |" in text
    assert f"| *all that lose something* | {2 * (len(FAULTS) - knowable)} | 0 | {2 * (len(FAULTS) - knowable)} | 0 | 0 |" in text
