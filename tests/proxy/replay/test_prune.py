"""What an example leaves out changes no verdict."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.replay.prune import Case, pruned, without_annotations, without_property
from rules.base import repair
from rules.conversation import Conversation, Policy, ToolCall, Turn
from rules.registry import RULES
from rules.samples import TOOLS
from tests.rules.test_rule_laws import STRICT, TEXTS, VALUES, WITHIN

CALLS = st.builds(
    ToolCall,
    st.just("x"),
    st.sampled_from(["bash", "execute_bash", "wait", "WAIT", "set_todos", "odd", "nothing"]),
    st.dictionaries(st.sampled_from(["command", "seconds", "Seconds", "todos", "color", "risk"]), VALUES, max_size=3) | TEXTS,
    st.booleans(),
)
TURNS = st.builds(
    lambda text, calls, ending: Turn("assistant", text, calls=tuple(calls), ending=ending),
    st.sampled_from(["", "Well.", "Let me look at it:"]),
    st.lists(CALLS, max_size=3),
    st.sampled_from(["stop", "length"]),
)


@settings(max_examples=40)
@given(TURNS, st.sampled_from([TOOLS, WITHIN, STRICT, replace(TOOLS, policy=Policy(several="ask", acts=True, prose="error"))]))
def test_the_verdict_stays_and_pruning_twice_changes_nothing(turn: Turn, within: Conversation) -> None:
    turn = replace(turn, calls=tuple(replace(call, id=f"c{place}") for place, call in enumerate(turn.calls, 1)))
    before = repair(turn, within, RULES)
    small = pruned(Case(turn, within))
    after = repair(small.turn, small.within, RULES)
    assert after.repairs == before.repairs
    assert (after.problem.reason if after.problem else "") == (before.problem.reason if before.problem else "")
    assert len(small.turn.calls) <= len(turn.calls)
    assert {tool.name for tool in small.within.tools} <= {tool.name for tool in within.tools}
    assert pruned(small) == small


def test_a_property_may_be_called_as_an_annotation() -> None:
    schema = {
        "type": "object",
        "description": "x",
        "properties": {"title": {"type": "string", "title": "y"}, "items": {"items": [{"default": 5}]}},
        "required": ["title"],
    }
    assert without_annotations(schema) == {  # type: ignore[arg-type]
        "type": "object",
        "properties": {"title": {"type": "string"}, "items": {"items": [{}]}},
        "required": ["title"],
    }
    assert without_property(schema, "title") == {  # type: ignore[arg-type]
        **schema,
        "properties": {"items": {"items": [{"default": 5}]}},
        "required": [],
    }
