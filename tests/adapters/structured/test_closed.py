"""Strict mode of OpenAI: what it takes is closed, what it refuses is not asked for in it."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.structured.closed import closed
from adapters.structured.forms import STRICT
from adapters.structured.relaxed import Unbuildable, relaxed

NESTED = {"type": "object", "properties": {"on": {"type": "boolean"}}, "required": ["on"]}


def of(part: Any, **more: Any) -> dict[str, Any]:
    return relaxed({"type": "object", "properties": {"it": part}, "required": ["it"], **more})


@pytest.mark.parametrize("part", [NESTED, {"type": "array", "items": NESTED}, {"anyOf": [NESTED, {"type": "null"}]}])
def test_every_object_is_closed(part: Any) -> None:
    asked = STRICT.members(of(part))["response_format"]["json_schema"]
    assert asked["strict"] is True
    assert str(asked["schema"]).count("'additionalProperties': False") == 2


def test_definitions_are_closed_as_well() -> None:
    made: Any = closed(of({"$ref": "#/$defs/n"}, **{"$defs": {"n": NESTED}}))
    assert made["$defs"]["n"]["additionalProperties"] is False


@pytest.mark.parametrize(
    "part",
    [
        {},
        {"type": "object", "properties": {"a": {"type": "null"}}},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "object"},
        {"type": "array"},
        {"type": "array", "prefixItems": [{"type": "string"}]},
        {"enum": ["a"]},
    ],
)
def test_what_strict_mode_refuses_is_not_asked_for_in_it(part: Any) -> None:
    with pytest.raises(Unbuildable):
        closed(of(part))
    assert not STRICT.carries(of(part))
