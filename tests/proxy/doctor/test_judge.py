"""An answer is judged by name, schema and key facts, never by its wording."""

from __future__ import annotations

import pytest

from proxy.doctor.judge import Wrong, invalid, judged
from proxy.doctor.scenarios import SCENARIOS, Want
from proxy.doctor.tools import ELEVEN, TWO
from rules.conversation import ToolCall
from rules.schema import findings

WANT = Want("get_weather", {"city": "lisbon", "unit": "celsius"})


@pytest.mark.parametrize("city", ["Lisbon", "LISBON", "Lisbon, Portugal"])
def test_any_wording_of_the_fact_is_right(city: str) -> None:
    assert judged([ToolCall("", "get_weather", {"city": city, "unit": "celsius"})], [WANT]).grade == "right"


@pytest.mark.parametrize("arguments", [{"city": "Porto", "unit": "celsius"}, {"city": "Lisbon", "unit": "fahrenheit"}])
def test_another_fact_is_wrong(arguments: dict[str, str]) -> None:
    assert judged([ToolCall("", "get_weather", arguments)], [WANT]).grade == "wrong"


def test_one_wanted_call_among_several_is_right() -> None:
    calls = [ToolCall("", "think", {"thought": "hm"}), ToolCall("", "get_weather", {"city": "Lisbon", "unit": "celsius"})]
    assert judged(calls, [WANT]).grade == "right"


@pytest.mark.parametrize(
    ("call", "grade", "words"),
    [
        (ToolCall("", "weather", {}), "unknown-tool", "not declared"),
        (ToolCall("", "get_weather", "{city"), "unreadable", "no JSON object"),
        (ToolCall("", "get_weather", {"city": "Lisbon"}), "invalid", "unit"),
        (ToolCall("", "get_weather", {"city": "Lisbon", "unit": "kelvin"}), "invalid", "$.unit"),
    ],
)
def test_what_the_schema_refuses_is_said(call: ToolCall, grade: str, words: str) -> None:
    found = invalid(call, TWO)
    assert isinstance(found, Wrong)
    assert found.grade == grade
    assert words in found.words


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.key)
def test_what_is_wanted_can_be_called(scenario: object) -> None:
    """A wanted call names a declared tool and declared properties; and the example lacks nothing but the risk."""
    chosen = next(each for each in SCENARIOS if each is scenario)
    tools = {tool.name: tool for tool in chosen.tools}
    for want in (want for step in chosen.steps for want in step.wants):
        assert want.facts.keys() <= tools[want.name].parameters["properties"].keys()  # type: ignore[union-attr]
    missing = [each.member for each in findings(chosen.example, tools[chosen.example.name])]
    assert missing in ([], ["security_risk"])


def test_the_tools_are_of_all_kinds() -> None:
    text = str([tool.parameters for tool in ELEVEN])
    assert len(ELEVEN) == 11
    assert all(f"'{kind}'" in text for kind in ("string", "integer", "number", "boolean", "array", "object", "anyOf", "enum"))
