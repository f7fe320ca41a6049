"""Understanding a request: client, profile, mode, and what the answer may begin with."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.body import read_body
from proxy.concessions import CONCESSIONS, Memory
from proxy.plan import Plan, make_plan
from proxy.profiles import load
from proxy.question import Question, upstream_body
from proxy.settings import Limits, ProfileTable, Settings
from tests.adapters.clients.openhands_prompt import request
from tests.conftest import BASH

ASK = {"messages": [{"role": "user", "content": "go"}], "tools": [BASH]}
CALL = {"id": "1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}
AFTER_TOOL = [
    *ASK["messages"],
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "1", "content": "ok"},
]


def plan_of(fields: dict[str, Any], *tables: ProfileTable, mode: str = "", **settings: Any) -> Plan:
    body = read_body(json.dumps(fields).encode(), Limits())
    return make_plan(body, Settings(upstream="http://x", **settings), load(tables), mode=mode)


@pytest.mark.parametrize(
    ("fields", "client"),
    [
        (ASK, "openai_chat"),
        (request(), "openhands_text"),
        ({"messages": ASK["messages"]}, "passthrough"),
        ({**ASK, "tools": []}, "passthrough"),
        ({**request(), "tools": [BASH]}, "openai_chat"),
    ],
)
def test_the_body_shows_which_client_speaks(fields: dict[str, Any], client: str) -> None:
    assert plan_of(fields).client.name == client


@pytest.mark.parametrize(
    ("process", "profile", "asked", "mode"),
    [
        ("repair", None, "", "repair"),
        ("repair", None, "observe", "observe"),
        ("repair", "observe", "", "observe"),
        ("repair", "observe", "repair", "observe"),
        ("observe", None, "repair", "observe"),
        ("observe", None, "off", "off"),
        ("off", "repair", "repair", "off"),
        ("repair", None, "nonsense", "repair"),
    ],
)
def test_the_mode_can_only_do_less(process: Any, profile: Any, asked: str, mode: str) -> None:
    table = ProfileTable(name="generic", mode=profile)
    body = read_body(json.dumps({**ASK, "model": "m"}).encode(), Limits())
    assert make_plan(body, Settings(upstream="http://x", mode=process), load((table,)), mode=asked).mode == mode


@pytest.mark.parametrize(
    ("fields", "raw", "opened"),
    [
        ({"model": "qwen3.5", "stream": True}, True, "no"),
        ({"model": "qwen3.5", "stream": True, "chat_template_kwargs": {"enable_thinking": True}}, True, "yes"),
        ({"model": "qwen3.5", "stream": True, "chat_template_kwargs": {"enable_thinking": True}}, False, "likely"),
        ({"model": "qwen3.5", "stream": True, "reasoning_effort": "high"}, True, "no"),
        (
            {"model": "qwen3.5", "stream": True, "chat_template_kwargs": {"enable_thinking": True}, "reasoning_effort": "none"},
            True,
            "yes",
        ),
        ({"model": "gemma-4", "stream": True, "chat_template_kwargs": {"enable_thinking": True}}, True, "no"),
        ({"model": "deepseek-v3.1", "stream": True}, True, "no"),
        ({"model": "deepseek-v3.1", "stream": True, "chat_template_kwargs": {"thinking": True}}, True, "yes"),
        ({"model": "kimi-k2.5", "stream": True}, True, "yes"),
        ({"model": "kimi-k2.5", "stream": True, "chat_template_kwargs": {"thinking": False}}, True, "no"),
        (
            {"model": "gemma-4", "stream": True, "chat_template_kwargs": {"enable_thinking": True}, "messages": AFTER_TOOL},
            True,
            "yes",
        ),
        ({"model": "unknown", "stream": True}, True, "no"),
        ({"model": "unknown"}, True, "maybe"),
    ],
)
def test_whether_the_prompt_left_a_thought_open(fields: dict[str, Any], raw: bool, opened: str) -> None:
    assert plan_of({**ASK, **fields}).opened(raw=raw, split=False) == opened


def test_a_server_that_sets_reasoning_apart_leaves_none_in_the_text() -> None:
    assert plan_of({**ASK, "model": "qwen3.5"}).opened(raw=False, split=True) == "no"


@pytest.mark.parametrize("fields", [{"n": 2}, {"prompt_logprobs": 1}])
def test_what_cannot_be_streamed_passes_as_it_is(fields: dict[str, Any]) -> None:
    assert not plan_of({**ASK, **fields}).mends


def sent(plan: Plan, *names: str, question: Question | None = None) -> dict[str, Any]:
    granted = frozenset(each for each in CONCESSIONS if each.name in names)
    written: dict[str, Any] = json.loads(upstream_body(plan, granted, question or Question()))
    return written


def test_what_the_client_set_stays() -> None:
    body = sent(
        plan_of(
            {**ASK, "model": "gemma-4", "skip_special_tokens": True, "chat_template_kwargs": {"x": 1, "enable_thinking": True}}
        )
    )
    assert body["skip_special_tokens"] is True
    assert body["chat_template_kwargs"] == {"enable_thinking": True, "x": 1}


def test_concessions_change_the_request() -> None:
    plan = plan_of({**ASK, "model": "m", "include_reasoning": False})
    assert "include_reasoning" not in sent(plan)
    assert sent(plan, "tools_in_prompt")["tool_choice"] == "none"
    assert "logprobs" not in sent(plan, "no_logprobs")
    assert "stream_options" not in sent(plan, "no_stream_options")


def test_a_question_carries_its_own_limit() -> None:
    plan = plan_of({**ASK, "model": "m", "max_completion_tokens": 50})
    body = sent(plan, question=Question(sampling={"max_tokens": 20, "temperature": 0.6}))
    assert (body["max_tokens"], body["temperature"]) == (20, 0.6)
    assert "max_completion_tokens" not in body


def test_memory_is_bounded_and_learns_each_thing_once() -> None:
    memory = Memory(size=2)
    assert memory.learn("a", "roles must alternate", frozenset())
    assert memory.learn("a", "roles must alternate", memory.granted("a")) is None
    assert memory.learn("a", "something else", frozenset()) is None
    for model in ("b", "c"):
        memory.learn(model, "logprobs are not supported", frozenset())
    assert memory.granted("a") == frozenset()
    assert [each.name for each in memory.granted("c")] == ["no_logprobs"]


def test_what_the_template_leaves_out_is_said_in_the_descriptions() -> None:
    bounded = json.loads(json.dumps(BASH))
    bounded["function"]["parameters"]["properties"]["timeout"]["minimum"] = 1
    ask = {**ASK, "tools": [bounded]}
    written = sent(plan_of({**ask, "model": "gemma-4"}))["tools"][0]["function"]["parameters"]["properties"]["timeout"]
    assert written == {"type": "integer", "minimum": 1, "description": "(at least 1)"}
    assert sent(plan_of({**ask, "model": "qwen3.5"}))["tools"] == [bounded]
    raw = upstream_body(plan_of({**ASK, "model": "gemma-4"}), frozenset(), Question())
    assert json.dumps([BASH]).encode() in raw  # nothing to say: the client's own bytes


@pytest.mark.parametrize("protocol", ["native", "text:hermes_json"])
def test_images_reach_the_model_whatever_the_protocol(protocol: Any) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    call = {"id": "c1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "shot"}'}}
    shown = {"role": "user", "content": [{"type": "text", "text": "this"}, image, {"type": "text", "text": "not that"}]}
    result = {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "done"}, image]}
    messages = [shown, {"role": "assistant", "content": None, "tool_calls": [call]}, result, {"role": "user", "content": "Well?"}]
    body = read_body(json.dumps({"model": "m", "messages": messages, "tools": [BASH]}).encode(), Limits())
    plan = make_plan(body, Settings(upstream="http://x"), load((ProfileTable(name="generic", protocol=protocol),)))
    sent = json.loads(upstream_body(plan, frozenset(), Question()))["messages"]
    assert shown in sent
    assert json.dumps(sent).count("AAAA") == 2
    if protocol != "native":
        assert sent[-1]["content"][-1] == {"type": "text", "text": "Well?"}
        assert [part["type"] for part in sent[-1]["content"]] == ["text", "image_url", "text"]


def test_stop_strings_are_looked_for_only_while_they_are_few_and_short() -> None:
    """To look for one takes the square of its length: one of a megabyte would take all memory there is."""
    assert plan_of({**ASK, "stop": ["END", "y" * 1_000_000, ""]}).stops == ("END",)
    assert len(plan_of({**ASK, "stop": [f"s{at}" for at in range(10_000)]}).stops) == 64
