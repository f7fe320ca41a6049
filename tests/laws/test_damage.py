"""What was damaged without losing anything comes back as it was; what was lost is never guessed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.base import repair
from rules.conversation import Conversation, Ending, ToolCall, ToolSpec, Turn
from rules.registry import RULES
from rules.schema import findings
from tests.conformance.compare import same_call
from tests.damage.call_faults import CALL_FAULTS
from tests.damage.faults import Fault, Right
from tests.damage.key_faults import KEY_FAULTS
from tests.damage.shapes import shape_of
from tests.damage.value_faults import VALUE_FAULTS
from tests.laws.shapes_drawn import rights

FAULTS = (*VALUE_FAULTS, *KEY_FAULTS, *CALL_FAULTS)

_TEXT = {"type": "string"}
_NOTE = {
    "type": "object",
    "properties": {"title": _TEXT, "minutes": {"type": "integer"}},
    "required": ["title"],
    "additionalProperties": False,
}
_PLAN = {
    "type": "object",
    "properties": {
        "notes_taken": {"type": "array", "items": _NOTE},
        "status": {"type": "string", "enum": ["in_progress", "done"]},
        "due_time": {"type": "string", "format": "date-time"},
        "old_text": _TEXT,
        "new_text": _TEXT,
        "limit": {"type": ["number", "null"]},
        "urgent": {"type": "boolean"},
        "amount": {"type": "integer"},
    },
    "required": ["notes_taken", "status"],
}
_GIVEN = {
    "notes_taken": [{"title": "tea"}],
    "status": "in_progress",
    "due_time": "2024-05-31T12:30:00Z",
    **{"old_text": "94107", "new_text": "it's\n", "limit": None, "amount": 3},
}
_SHELL = {"type": "object", "properties": {"command": _TEXT, "timeout": {"type": "integer"}}, "required": ["command"]}


def _right(name: str, schema: dict[str, Any], arguments: dict[str, Any]) -> Right:
    return Right(ToolCall("c1", name, arguments), shape_of(schema), (ToolSpec(name, "", schema), ToolSpec("submit")))


SAMPLES = (_right("make_plan", _PLAN, _GIVEN), _right("execute_bash", _SHELL, {"command": "ls -la"}))


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


@settings(deadline=None)
@given(rights())
def test_a_right_call_is_right_and_stays_as_it_is(right: Right) -> None:
    assert findings(right.call, right.tools[0]) == []
    verdict = repair(Turn("assistant", calls=(right.call,)), Conversation(right.tools), RULES, trap=False)
    assert verdict.problem is None
    assert verdict.repairs == ()


@settings(max_examples=40, deadline=None)
@given(rights())
def test_what_loses_nothing_comes_back_as_it_was(right: Right) -> None:
    hold_for_what_can_be_known(right)


def hold_for_what_can_be_known(right: Right) -> None:
    for fault, damaged in damages(right, knowable=True):
        found = mended(damaged, right)
        came_back = found is not None and same_call(found, right.call)
        assert came_back, f"{fault}: {shown(damaged)} became {shown(found)}"


@settings(max_examples=40, deadline=None)
@given(rights())
def test_what_is_lost_is_never_guessed(right: Right) -> None:
    hold_for_what_is_lost(right)


def hold_for_what_is_lost(right: Right) -> None:
    for fault, damaged in damages(right, knowable=False):
        found = mended(damaged, right)
        as_it_was = found is None or same_call(found, right.call) or found == damaged
        assert as_it_was, f"{fault}: {shown(damaged)} became {shown(found)}"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_fault_is_made(fault: Fault) -> None:
    assert any(True for right in SAMPLES for _ in fault.damage(right))


@pytest.mark.parametrize("right", SAMPLES, ids=lambda right: right.call.name)
def test_the_laws_hold_for_the_samples(right: Right) -> None:
    hold_for_what_can_be_known(right)
    hold_for_what_is_lost(right)


@settings(max_examples=40, deadline=None)
@given(rights(), st.sampled_from(["length", "cut", "unsure"]))
def test_arguments_that_were_cut_are_never_delivered(right: Right, ending: Ending) -> None:
    text = json.dumps(right.arguments)
    for cut in range(0, len(text), max(1, len(text) // 12)):
        call = ToolCall("c1", right.call.name, text[:cut], whole=False)
        turn = Turn("assistant", calls=(call,), ending=ending)
        assert repair(turn, Conversation(right.tools), RULES, trap=False).problem is not None
