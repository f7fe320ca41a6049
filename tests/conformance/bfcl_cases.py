"""BFCL's single-turn cases with ground truth, read from the data files of the `bfcl-eval` wheel: tools, and the right calls."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rules.conversation import Json, ToolCall, Tools, ToolSpec
from rules.schema import findings
from tests.conformance.bfcl_schema import convert

CATEGORIES = (
    *("simple_python", "simple_java", "simple_javascript", "multiple", "parallel", "parallel_multiple"),
    *("live_simple", "live_multiple", "live_parallel", "live_parallel_multiple"),
)
"""All categories of one turn that have right answers; `irrelevance` and `relevance` have none."""

OPTIONAL = ""
"""Among the values of an argument: it may be left out."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case. `unusable` says why its ground truth cannot be asked for: by the case's own declarations it is wrong."""

    id: str
    tools: Tools
    calls: tuple[ToolCall, ...]
    unusable: str = ""


def load(data: Path) -> Iterator[Case]:
    """Yield the cases of all categories from the folder `bfcl_eval/data`."""
    for category in CATEGORIES:
        name = f"BFCL_v4_{category}.json"
        answers = {each["id"]: each["ground_truth"] for each in _lines(data / "possible_answer" / name)}
        for each in _lines(data / name):
            yield make_case(each["id"], each["function"], answers[each["id"]])


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def make_case(name: str, functions: list[dict[str, Any]], truth: list[dict[str, dict[str, list[Json]]]]) -> Case:
    """Make a case of its declarations and of its calls, for each argument of which several values are right."""
    tools = tuple(ToolSpec(each["name"], "", convert(each["parameters"])) for each in functions)
    calls = tuple(ToolCall("", tool, _members(allowed)) for call in truth for tool, allowed in call.items())
    return Case(name, tools, calls, next((why for call in calls if (why := unusable(call, tools))), ""))


def _members(allowed: Mapping[str, Json]) -> dict[str, Json]:
    """Return the members of an object, each with the first value that is right; those without one are left out."""
    first = {name: _first(values) for name, values in allowed.items()}
    return {name: each[0] for name, each in first.items() if each}


def _first(values: Json) -> list[Json]:
    """Return the first value that does not merely say `optional`, in a list; an empty list where there is none."""
    several = values if isinstance(values, list) else [values]
    return [_value(each) for each in several if each != OPTIONAL][:1]


def _value(value: Json) -> Json:
    """Return a value, the objects in which have lists of right values for their members."""
    if isinstance(value, dict):
        return _members(value)
    return [_value(each) for each in value] if isinstance(value, list) else value


def unusable(call: ToolCall, tools: Tools) -> str:
    """Say why a call is wrong by its own declaration; nothing where it is right."""
    spec = next((tool for tool in tools if tool.name == call.name), None)
    if spec is None or isinstance(call.arguments, str):
        return "a tool that is not declared"
    if not set(call.arguments) <= set(spec.parameters.get("properties", {})):  # type: ignore[arg-type]
        return "an argument that is not declared"
    found = findings(call, spec)
    return _REASONS.get(found[0].keyword, found[0].keyword) if found else ""


_REASONS: Mapping[str, str] = {
    "required": "without a required argument",
    "type": "a value of another type",
    "enum": "a value that is none of the choices",
}
