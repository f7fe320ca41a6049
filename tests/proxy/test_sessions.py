"""`protocol = "auto"`: a conversation whose native calls keep failing is told its tools as text from then on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from proxy.body import read_body
from proxy.plan import Plan, make_plan
from proxy.profiles import load
from proxy.sessions import Sessions
from proxy.settings import Limits, ProfileTable, Settings
from rules.base import Problem
from tests.conftest import BASH, MODEL, Proxy, Start
from tests.fake_vllm import FakeVllm
from tests.proxy.test_exchange import records

AUTO = {"name": "moves", "extends": "gemma-4", "match": [MODEL], "protocol": "auto"}
GOOD = '<|tool_call>call:bash{command:<|"|>ls<|"|>}<tool_call|>'
BAD = "<|tool_call>call:bash{}<tool_call|>"
WRONG = Problem("missing-arguments", "model-arguments", "")
CUT = Problem("truncated", "truncated", "")


def plan_of(content: str, **table: Any) -> Plan:
    fields = {"model": MODEL, "messages": [{"role": "user", "content": content}], "tools": [BASH]}
    profile = ProfileTable.model_validate(AUTO | table)
    return make_plan(read_body(json.dumps(fields).encode(), Limits()), Settings(upstream="http://x"), load((profile,)))


def test_failures_in_a_row_move_a_conversation_and_it_stays() -> None:
    sessions, plan = Sessions(failures=2), plan_of("a")
    assert [sessions.learn(plan, {}, each) for each in (WRONG, None, WRONG, CUT, WRONG)] == [False] * 5
    assert sessions.settle(plan, {}).dialect is None
    assert sessions.learn(plan, {}, WRONG)
    moved = sessions.settle(plan, {})
    assert moved.dialect is not None
    assert moved.dialect.name == "gemma4"
    assert not sessions.learn(moved, {}, None)
    assert sessions.settle(plan, {}).dialect is not None


def test_only_the_same_conversation_of_the_same_client_moves() -> None:
    sessions, plan = Sessions(failures=1), plan_of("a")
    assert sessions.learn(plan, {"authorization": "Bearer one"}, WRONG)
    assert sessions.settle(plan, {"authorization": "Bearer two"}).dialect is None
    assert sessions.settle(plan_of("b"), {"authorization": "Bearer one"}).dialect is None


def test_native_profiles_never_move() -> None:
    sessions, plan = Sessions(failures=1), plan_of("a", protocol="native")
    assert not sessions.learn(plan, {}, WRONG)
    assert sessions.settle(plan, {}) is plan


def test_the_memory_is_bounded() -> None:
    sessions = Sessions(failures=1, size=3)
    for at in range(9):
        sessions.learn(plan_of(str(at)), {}, WRONG)
    assert [sessions.settle(plan_of(str(at)), {}).dialect is not None for at in range(9)] == [False] * 6 + [True] * 3


async def test_a_failing_conversation_goes_on_as_text(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    proxy = Proxy(await start(upstream=vllm.url, profile=[AUTO], journal=tmp_path), vllm, stream)
    vllm.says(*[BAD, GOOD] * 3, GOOD)
    for _ in range(5):
        assert (await proxy.ask(tools=[BASH], content="fix it")).calls == [("bash", {"command": "ls"})]
    native = [bool(each.get("tools")) for each in vllm.requests]
    assert native == [True] * 6 + [False] * 2
    assert "declaration:bash" in vllm.requests[-1]["messages"][0]["content"]
    await proxy.ask(tools=[BASH], content="another task")
    assert vllm.requests[-1]["tools"]
    written = records(tmp_path)[:3]
    assert [each["moved_to"] for each in written] == ["", "", "gemma4"]
    assert {each["dialect"] for each in written} == {"native"}
