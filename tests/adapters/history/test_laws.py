"""What holds for the healing of any history: it is right to the model, grows at its end only, and is done once."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.base import Message
from adapters.history.base import Terms, heal
from adapters.history.registry import FITTERS, HEALERS
from adapters.history.runs import Run, answers, has_calls, id_of, is_result, runs
from adapters.history.samples import FINISH, THINKS, asks, call, result
from tests.adapters.history.histories import HISTORIES, Event, requests

THOUGHTS = THINKS.thoughts
TERMS = [
    Terms(),
    Terms(FINISH.tools, THOUGHTS),
    Terms(FINISH.tools, THOUGHTS, opened=True, system_first=True),
    Terms(plain_content=True),
]
every_term = pytest.mark.parametrize("terms", TERMS, ids=["plain", "thoughts", "qwen", "text"])


def healed(messages: list[Message], terms: Terms) -> list[Message]:
    return heal(messages, terms, (*HEALERS, *FITTERS), trap=False).messages


@every_term
@given(events=HISTORIES)
def test_a_longer_history_begins_as_the_shorter_one(terms: Terms, events: list[Event]) -> None:
    asked = [healed(each, terms) for each in requests(events)]
    for shorter, longer in pairwise(asked):
        assert longer[: len(shorter)] == shorter
        assert orjson.dumps(longer).startswith(orjson.dumps(shorter)[:-1])


@given(events=HISTORIES)
def test_a_longer_history_begins_with_the_text_of_the_shorter_one_where_users_are_merged(events: list[Event]) -> None:
    asked = [healed(each, Terms(merge_users=True, plain_content=True)) for each in requests(events)]
    for shorter, longer in pairwise(asked):
        last = len(shorter) - 1
        assert longer[:last] == shorter[:last]
        assert longer[last]["content"].startswith(shorter[last]["content"])


@every_term
@given(events=HISTORIES)
def test_every_call_is_readable_has_its_own_id_and_its_result(terms: Terms, events: list[Event]) -> None:
    ids: list[str] = []
    for each in runs(healed([message for event in events for message in event], terms)):
        if not isinstance(each, Run):
            assert not has_calls(each)
            assert not is_result(each)
            continue
        assert all(isinstance(json.loads(one["function"]["arguments"]), dict) for one in each.calls)
        assert sorted(map(id_of, each.calls)) == sorted(map(answers, each.results))
        ids += map(id_of, each.calls)
    assert len(set(ids)) == len(ids)
    assert "" not in ids


@every_term
@pytest.mark.parametrize("what", ["healing", "fitting"])
@given(events=HISTORIES)
def test_done_twice_it_changes_nothing_more(terms: Terms, what: str, events: list[Event]) -> None:
    steps = HEALERS if what == "healing" else FITTERS
    once = heal([message for event in events for message in event], terms, steps, trap=False).messages
    assert heal(once, terms, steps, trap=False).steps == ()


@given(events=HISTORIES)
def test_every_result_and_every_argument_stays(events: list[Event]) -> None:
    """Each text is made unlike all others first, so that one cannot stand for another."""
    messages = [message for event in events for message in event]
    texts = [f"text-{at}" for at in range(len(messages))]
    marked = [{**message, "content": text} for message, text in zip(messages, texts, strict=True)]
    for at, message in enumerate(marked):
        if has_calls(message):
            message["tool_calls"] = [call(f"c{at}", f"cut-{at}-{nth}", "bash") for nth, _ in enumerate(message["tool_calls"])]
            texts += [f"cut-{at}-{nth}" for nth, _ in enumerate(message["tool_calls"])]
    sent = json.dumps(healed(marked, Terms()))
    assert [text for text in texts if text not in sent] == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
ROLES = st.sampled_from(["user", "assistant", "tool", "function", "system", "developer"]) | JSON
FUNCTION = JSON | st.fixed_dictionaries({}, optional={"name": JSON, "arguments": JSON})
CALL = JSON | st.fixed_dictionaries({}, optional={"id": JSON, "type": JSON, "function": FUNCTION})
PART = JSON | st.fixed_dictionaries({}, optional={"type": st.just("text") | JSON, "text": JSON})
ODD = st.fixed_dictionaries(
    {},
    optional={
        "role": ROLES,
        "content": JSON | st.lists(PART, max_size=3),
        "tool_calls": JSON | st.lists(CALL, max_size=3),
        "tool_call_id": JSON,
        "name": JSON,
        "reasoning": JSON,
        "reasoning_content": JSON,
    },
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(messages=st.lists(ODD, max_size=6), flags=st.lists(st.booleans(), min_size=5, max_size=5))
def test_no_json_makes_it_raise(messages: list[dict[str, Any]], flags: list[bool]) -> None:
    opened, continues, system_first, plain, merge = flags
    terms = Terms(FINISH.tools, THOUGHTS, opened, continues, system_first, plain, merge)
    before = orjson.dumps(messages)
    once = healed(messages, terms)
    assert orjson.dumps(messages) == before
    assert bool(once) == bool(messages)


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("depth", [10, 300, 5_000])
def test_what_is_nested_too_deep_costs_no_turn(depth: int) -> None:
    deep = nested(depth)
    odd = [asks(call("c1", deep)), {"role": "tool", "content": deep}, {"role": "function", "content": deep}]
    assert heal(odd, Terms(), HEALERS).messages
    text = "[" * depth + "]" * depth
    assert heal([asks(call("c1", text)), result("c1")], Terms(), HEALERS).messages[0]["content"] == f"bash({text})"
