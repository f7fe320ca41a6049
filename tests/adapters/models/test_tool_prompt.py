"""What a model is told about tools in a prompt: all of their schemas, and one example that is right."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Call, Dialect
from adapters.decoding import decode
from adapters.grammar import grammar
from adapters.models.tool_prompt import example_of
from adapters.registry import DIALECTS
from rules.base import repair
from rules.conversation import Conversation, Json, Tools, ToolSpec, Turn
from rules.registry import RULES
from rules.schema import findings

every_dialect = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS.keys())


def tool(name: str, properties: dict[str, Json], **more: Any) -> ToolSpec:
    return ToolSpec(name, f"Does {name}.", {"type": "object", "properties": properties, **more})


RUN = tool("run", {"command": {"type": "string"}, "timeout": {"type": "integer", "minimum": 5}}, required=["command", "timeout"])
PATTERN = tool("pattern", {"id": {"type": "string", "pattern": "^[A-Z]{3}$"}}, required=["id"])
LONG = tool("long", {"id": {"type": "string", "minLength": 400}}, required=["id"])
STOP = tool("stop", {})
ENUM = tool("paint", {"color": {"enum": ["red", "blue"]}, "at": {"type": "string", "format": "date"}}, required=["color", "at"])


@pytest.mark.parametrize("spec", [RUN, STOP, ENUM])
def test_an_example_fits_its_schema(spec: ToolSpec) -> None:
    call = example_of(spec)
    assert call is not None
    assert findings(call, spec) == []


@pytest.mark.parametrize("spec", [PATTERN, LONG])
def test_no_example_is_made_that_may_be_wrong(spec: ToolSpec) -> None:
    assert example_of(spec) is None


def shown(dialect: Dialect, tools: Tools) -> list[tuple[str, Any]]:
    """Read the calls in a description as if the model repeated it line by line."""
    text = dialect.describe(tools)
    events = [event for event in decode(text, grammar([dialect], tools)) if isinstance(event, Call)]
    verdict = repair(Turn("assistant", calls=tuple(event.call for event in events)), Conversation(tools), RULES, trap=False)
    return [(call.name, call.arguments) for call in verdict.turn.calls]


@every_dialect
def test_descriptions_are_deterministic_and_name_every_constraint(dialect: Dialect) -> None:
    tools = (RUN, PATTERN, ENUM, STOP)
    text = dialect.describe(tools)
    assert text == dialect.describe(tuple(tools))
    for word in ("run", "Does pattern.", '"minimum": 5', json.dumps("^[A-Z]{3}$"), '"red"', '"format": "date"'):
        assert word in text


@every_dialect
def test_no_tools_need_no_words(dialect: Dialect) -> None:
    assert dialect.describe(()) == ""


@every_dialect
@settings(max_examples=60, deadline=None)
@given(
    properties=st.dictionaries(
        st.sampled_from(["path", "text", "count", "flag", "tags"]),
        st.sampled_from(
            [
                {"type": "string"},
                {"type": "integer", "minimum": 2},
                {"type": "boolean"},
                {"enum": ["a", "b"]},
                {"type": "array", "items": {"type": "string"}, "minItems": 2},
            ]
        ),
        max_size=4,
    )
)
def test_the_example_is_one_right_call_of_a_tool(dialect: Dialect, properties: dict[str, Json]) -> None:
    spec = tool("edit", properties, required=list(properties))
    calls = [call for call in shown(dialect, (spec,)) if call[0] == "edit"]
    wanted = example_of(spec)
    assert wanted is not None
    assert calls in ([], [("edit", wanted.arguments)])  # none: the dialect's own reader takes the example for a quotation


def test_a_stand_in_where_no_example_is_certain() -> None:
    for dialect in DIALECTS.values():
        assert "the id" not in dialect.describe((PATTERN,))
