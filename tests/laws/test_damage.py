"""What was damaged without losing anything comes back as it was; what was lost is never guessed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import Phase, find, given, settings

from rules.base import repair
from rules.conversation import Conversation, ToolCall, Turn
from rules.registry import RULES
from rules.schema import findings
from tests.conformance.compare import same_call
from tests.damage.call_faults import CALL_FAULTS
from tests.damage.faults import Fault, Right
from tests.damage.key_faults import KEY_FAULTS
from tests.damage.value_faults import VALUE_FAULTS
from tests.laws.shapes_drawn import rights

FAULTS = (*VALUE_FAULTS, *KEY_FAULTS, *CALL_FAULTS)


def damages(right: Right, *, knowable: bool) -> Iterator[tuple[str, ToolCall]]:
    """Yield a call with each fault that can be made in it, and the fault's name."""
    return ((fault.name, call) for fault in FAULTS if fault.knowable is knowable for call in fault.damage(right))


def mended(call: ToolCall, right: Right) -> ToolCall | None:
    """Return the call that would be delivered; None where the model would be asked."""
    verdict = repair(Turn("assistant", calls=(call,)), Conversation(right.tools), RULES, trap=False)
    (found,) = verdict.turn.calls
    spec = next((tool for tool in right.tools if tool.name == found.name), None)
    return None if verdict.problem or spec is None or findings(found, spec) else found


def shown(call: ToolCall | None) -> str:
    return "a question" if call is None else f"{call.name}({json.dumps(call.arguments, ensure_ascii=False)})"


@given(rights())
def test_a_right_call_is_right_and_stays_as_it_is(right: Right) -> None:
    assert findings(right.call, right.tools[0]) == []
    verdict = repair(Turn("assistant", calls=(right.call,)), Conversation(right.tools), RULES, trap=False)
    assert verdict.problem is None
    assert verdict.repairs == ()


@given(rights())
def test_what_loses_nothing_comes_back_as_it_was(right: Right) -> None:
    for fault, damaged in damages(right, knowable=True):
        found = mended(damaged, right)
        came_back = found is not None and same_call(found, right.call)
        assert came_back, f"{fault}: {shown(damaged)} became {shown(found)}"


@given(rights())
def test_what_is_lost_is_never_guessed(right: Right) -> None:
    for fault, damaged in damages(right, knowable=False):
        found = mended(damaged, right)
        as_it_was = found is None or same_call(found, right.call) or found == damaged
        assert as_it_was, f"{fault}: {shown(damaged)} became {shown(found)}"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_fault_is_made(fault: Fault) -> None:
    """A fault that no drawn call can have would hold any law."""
    find(
        rights(),
        lambda right: any(True for _ in fault.damage(right)),
        settings=settings(phases=[Phase.generate], max_examples=2000),
    )


@pytest.mark.parametrize("ending", ["length", "cut", "unsure"])
@given(right=rights())
def test_arguments_that_were_cut_are_never_delivered(ending: str, right: Right) -> None:
    text = json.dumps(right.arguments)
    for cut in range(0, len(text), max(1, len(text) // 12)):
        call = ToolCall("c1", right.call.name, text[:cut], whole=False)
        turn = Turn("assistant", calls=(call,), ending=ending)  # type: ignore[arg-type]
        assert repair(turn, Conversation(right.tools), RULES, trap=False).problem is not None
