"""The gate against getting slower: counts of Python's calls, which are the same on every machine, and one ratio of processor times."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import orjson
import pytest

from bench.engine import Engine, streamed, text
from bench.micro import SHELL, prose, read
from bench.scenarios import BODY, listening, lockstep
from bench.targets import target
from proxy.body import read_body
from proxy.plan import Plan, make_plan
from proxy.profiles import load
from proxy.question import Question, upstream_body
from proxy.settings import Limits, Settings
from rules.base import repair
from rules.conversation import Conversation, ToolCall, Turn
from rules.registry import RULES

SETTINGS = Settings(upstream="http://127.0.0.1:1")
RAW = orjson.dumps(BODY)


def calls_of(work: Callable[[], Any]) -> int:
    """Count the calls of Python functions that something makes, once it is warm."""
    work()
    count = 0

    def note(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def plan() -> Plan:
    return make_plan(read_body(RAW, Limits()), SETTINGS, load(()))


@pytest.mark.parametrize(("logprobs", "most"), [(False, 45), (True, 50)])
def test_an_event_of_text_is_read_in_few_calls(logprobs: bool, most: int) -> None:
    """42 and 37 in November 2026, with Python 3.11; 122 before the short cuts."""
    events = list(streamed(text(500), {"logprobs": logprobs}))
    planned = plan()
    assert calls_of(lambda: read(events, planned)) / len(events) <= most


def test_a_request_that_comes_again_is_understood_in_few_calls() -> None:
    """Its tools are known: 5,000 calls and more where they are not."""
    body, profiles = read_body(RAW, Limits()), load(())
    planned = make_plan(body, SETTINGS, profiles)
    assert calls_of(lambda: make_plan(body, SETTINGS, profiles)) <= 700
    assert calls_of(lambda: upstream_body(planned, frozenset(), Question())) <= 120


def test_the_rules_look_at_a_right_call_in_few_calls() -> None:
    turn = Turn("assistant", calls=(ToolCall("c", "bash", {"command": prose(4_000)}),))
    assert calls_of(lambda: repair(turn, Conversation((SHELL,)), RULES)) <= 1_500


def test_calls_grow_with_the_text_and_no_faster() -> None:
    planned = plan()
    events = {size: list(streamed(text(size), {"logprobs": True})) for size in (500, 2_000)}
    assert calls_of(lambda: read(events[2_000], planned)) <= 4.2 * calls_of(lambda: read(events[500], planned))


async def test_an_event_costs_no_more_beside_a_naive_relay(tmp_path: Path) -> None:
    """Processor times of both in one run, in lockstep, so that a busy machine slows both: 3.4 to 4.5 were measured."""
    engine, found = Engine(text(2)), {}
    async with listening(engine) as port:
        with target("naive", tmp_path / "naive", port) as naive, target("toolmend", tmp_path / "toolmend", port) as ours:
            for each in (naive, ours):
                found[each.name] = next(iter((await lockstep(each, engine)).values()))
    assert found["toolmend"] <= 10 * found["naive"]
