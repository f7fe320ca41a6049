"""Keys are mended where only one thing can be meant, at a price that hostile arguments cannot drive up."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from rules.base import repair
from rules.conversation import Conversation, Policy, ToolCall, ToolSpec, Turn
from rules.registry import RULES
from tests.linear import grows_linearly

ITEM = {"type": "object", "properties": {"title": {"type": "string"}, "minutes": {"type": "integer"}}, "required": ["title"]}
CLOSED = {**ITEM, "additionalProperties": False}


def within(schema: dict[str, Any]) -> Conversation:
    return Conversation((ToolSpec("t", "", {"type": "object", **schema}),))


def mend(arguments: Any, conversation: Conversation) -> tuple[Any, str]:
    verdict = repair(Turn("assistant", calls=(ToolCall("c1", "t", arguments),)), conversation, RULES, trap=False)
    return verdict.turn.calls[0].arguments, verdict.problem.reason if verdict.problem else ""


@pytest.mark.parametrize(
    ("item", "given", "mended"),
    [
        (ITEM, {"Title": "x"}, {"title": "x"}),
        (ITEM, {"titel": "x"}, {"title": "x"}),
        (ITEM, {"title": "x", "Minutes": "5"}, {"title": "x", "minutes": 5}),
        (ITEM, {"title": "x", "mniutes": 5}, {"title": "x", "mniutes": 5}),
        (CLOSED, {"title": "x", "mniutes": "5"}, {"title": "x", "minutes": 5}),
        (CLOSED, {"title": "x", "minutes": None}, {"title": "x"}),
        (CLOSED, {"title": "x", "owner": None}, {"title": "x"}),
    ],
)
@pytest.mark.parametrize("text", [False, True])
def test_keys_of_objects_in_lists_are_mended_also_where_they_came_as_text(item: Any, given: Any, mended: Any, text: bool) -> None:
    conversation = within({"properties": {"list": {"type": "array", "items": item}}})
    written = json.dumps([given]) if text else [given]
    assert mend({"list": written}, conversation) == ({"list": [mended]}, "")


@pytest.mark.parametrize("given", [{"title": "x", "owner": "me"}, {"title": "x", "note": "me"}])
def test_what_an_object_does_not_take_is_asked_about_where_it_would_be_lost(given: Any) -> None:
    conversation = within({"properties": {"list": {"type": "array", "items": CLOSED}}})
    assert mend({"list": [given]}, conversation) == ({"list": [given]}, "wrong-arguments")


def test_a_tool_of_references_is_mended_too() -> None:
    item = {"$ref": "#/$defs/item"}
    conversation = within({"properties": {"list": {"type": "array", "items": item}}, "$defs": {"item": CLOSED}})
    assert mend({"List": ['{"Titel": 5}']}, conversation) == ({"list": [{"title": "5"}]}, "")


def test_guesses_can_be_switched_off_and_certain_spellings_cannot() -> None:
    conversation = replace(within(CLOSED), policy=Policy(guess=False, key_aliases={"t": {"name": "title"}}))
    assert mend({"titel": "x"}, conversation)[1] == mend({"name": "x"}, conversation)[1] == "missing-arguments"
    assert mend({"TITLE": "x"}, conversation) == ({"title": "x"}, "")


@pytest.mark.parametrize("keyword", ["if", "dependentSchemas", "propertyNames"])
def test_nothing_is_renamed_where_another_keyword_may_speak_of_it(keyword: str) -> None:
    assert mend({"titel": "x"}, within({**ITEM, keyword: {}}))[0] == {"titel": "x"}


def test_two_keys_for_one_property_stay() -> None:
    assert mend({"titel": "x", "titles": "y"}, within(CLOSED))[1] == "missing-arguments"


def test_hostile_keys_cost_linear_time() -> None:
    names = [f"property_number_{chr(97 + at % 26)}{chr(97 + at // 26)}_of_many" for at in range(90)]
    item = {"type": "object", "properties": {name: {"type": "string"} for name in names}, "additionalProperties": False}
    conversation = within({"properties": {"list": {"type": "array", "items": item}}})

    def arguments(size: int) -> str:
        return json.dumps({"list": [{f"propertty_number_{at}_off_many{to}": None for to in range(8)} for at in range(size)]})

    assert grows_linearly(lambda text: mend(text, conversation), arguments, 100)
