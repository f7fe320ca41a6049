"""A history in need of healing on its way through: what the model gets, in every protocol, and what is said about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog
from hypothesis import given, settings

from adapters.history.answer_dangling_calls import NO_RESULT
from adapters.history.samples import asks, call, result, says, told
from adapters.messages import text_of
from proxy.demo.speak import Said
from proxy.plan import Plan
from proxy.question import Question, upstream_body
from proxy.settings import ProfileTable
from tests.adapters.clients.prompts import REQUESTS
from tests.adapters.history.histories import HISTORIES, Event, requests
from tests.conftest import BASH, Proxy, Start
from tests.fake_vllm import FakeVllm, refusing
from tests.proxy.client_requests import PATHS, plan_of, sent
from tests.proxy.test_exchange import written

GOOD = '<|tool_call>call:bash{command:<|"|>ls -la<|"|>}<tool_call|>'
TASK = [{"role": "system", "content": "You help."}, told("Fix it.")]
CUT = '{"command": "ls'
SICK = [
    *TASK,
    asks(call("", CUT), content="I look."),
    {"role": "tool", "content": "No JSON."},
    says("<think>\nHm.\n</think>\n\nAgain."),
    told("Call a tool."),
    told("Call a tool."),
    asks(call("c1")),
    told("Go on."),
]
WELL = [
    *TASK,
    says('I look.\n\nbash({"command": "ls)'),
    told("Result of bash (call c00000001):\nNo JSON."),
    says("Again."),
    told("Call a tool."),
    asks(call("c1")),
    result("c1", NO_RESULT),
    told("Go on."),
]
STEPS = (
    "number_calls",
    "show_unreadable_calls",
    "answer_dangling_calls",
    "drop_past_thinking",
    "collapse_repeats",
)


def planned(messages: list[Any], protocol: str = "native", **fields: Any) -> Plan:
    table = ProfileTable.model_validate({"name": "p", "match": ["m"], "protocol": protocol})
    return plan_of({"model": "m", "messages": messages, "tools": [BASH], **fields}, "", table)


def test_a_sick_history_reaches_the_model_well() -> None:
    plan = planned(SICK)
    assert sent(plan)["messages"] == WELL
    assert plan.history.steps == STEPS
    assert plan.conversation.turns[-2].text == NO_RESULT


def test_a_history_that_needs_nothing_goes_up_byte_for_byte() -> None:
    plan = planned(WELL)
    assert plan.body.members["messages"] in upstream_body(plan, frozenset(), Question())
    assert plan.history.steps == ()


def test_told_as_text_it_is_healed_as_well() -> None:
    sick, well = (sent(planned(messages, "text:hermes_json"))["messages"] for messages in (SICK, WELL))
    assert sick == well
    assert NO_RESULT in json.dumps(well)


@pytest.mark.parametrize("name", ["mini_swe_agent_fence", "swe_agent_thought_action", "openhands_text"])
def test_clients_with_a_prompt_of_their_own_are_healed_as_well(name: str) -> None:
    body = REQUESTS[name]()
    notice = told("Your answer held no action.")
    later = [*body["messages"], says("<think>Hm.</think>Well."), notice, notice, says(""), notice]
    plan = plan_of({**body, "messages": later}, PATHS.get(name, ""))
    assert plan.client.name == name
    assert plan.history.steps == ("drop_past_thinking", "drop_empty_answers", "collapse_repeats")
    said = [(each["role"], text_of(each["content"])) for each in sent(plan)["messages"]]
    assert said[-2:] == [("assistant", "Well."), ("user", notice["content"])]


def test_the_last_message_is_left_alone_where_it_is_to_be_continued() -> None:
    last = asks(call("c1"), content="<think>Hm.</think>")
    for more in ({"continue_final_message": True}, {"add_generation_prompt": False}):
        assert sent(planned([*TASK, last], **more))["messages"] == [*TASK, last]
    assert sent(planned([*TASK, last]))["messages"] == [*TASK, asks(call("c1"), content=""), result("c1", NO_RESULT)]


def test_a_profile_that_keeps_thoughts_keeps_those_of_the_past() -> None:
    thought = says("<think>Hm.</think>Done.", reasoning_content="Hm.")
    for thinking, kept in (("keep", thought), ("field", thought), ("strip", says("Done."))):
        table = ProfileTable.model_validate({"name": "p", "match": ["m"], "thinking": thinking})
        plan = plan_of({"model": "m", "messages": [*TASK, thought, told("And?")], "tools": [BASH]}, "", table)
        assert sent(plan)["messages"] == [*TASK, kept, told("And?")]


def flat(messages: list[dict[str, Any]]) -> str:
    """Write messages as a template does that knows no markers at the end of one: text, calls, and where the role changes."""
    words, role = [], ""
    for message in messages:
        words += [f"\n\n<{message['role']}>"] if message["role"] != role else ["\n\n"]
        words += [text_of(message.get("content")), *map(json.dumps, message.get("tool_calls") or ())]
        role = message["role"]
    return "".join(words)


@pytest.mark.parametrize("protocol", ["native", "text:hermes_json", "text:qwen_xml", "text:gemma4", "text:pythonic"])
@pytest.mark.parametrize("model", ["unknown", "gemma-4", "qwen3.5"])
@settings(max_examples=25)
@given(events=HISTORIES)
def test_a_longer_conversation_goes_up_as_the_shorter_one_and_more(protocol: str, model: str, events: list[Event]) -> None:
    extends = {"unknown": "generic"}.get(model, model)
    table = ProfileTable.model_validate({"name": "p", "match": [model], "extends": extends, "protocol": protocol})
    earlier: list[dict[str, Any]] = []
    for messages in requests(events):
        later = sent(plan_of({"model": model, "messages": messages, "tools": [BASH]}, "", table))["messages"]
        assert flat(later).startswith(flat(earlier))
        if model != "gemma-4" and protocol == "native":
            assert orjson.dumps(later).startswith(orjson.dumps(earlier)[:-1])
        earlier = later


COMPLAINTS = {
    "system_first": (
        "System message must be at the beginning.",
        [*TASK, {"role": "system", "content": "Mind this."}],
        [*TASK, told("Mind this.")],
    ),
    "a role": ("Unexpected message role.", [{"role": "developer", "content": "A"}, told("B")], [{"role": "system", "content": "A"}, told("B")]),
    "plain_content": (
        'can only concatenate str (not \\"list\\") to str',
        [*TASK, told([{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}])],
        [*TASK, told("x")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", COMPLAINTS)
async def test_what_a_template_does_not_take_is_learned_from_its_complaint(proxy: Proxy, what: str) -> None:
    complaint, messages, taken = COMPLAINTS[what]
    proxy.vllm.says(refusing(400, f'{{"error":{{"message":"{complaint}"}}}}'.encode()), Said(GOOD))
    for _ in range(2):
        seen = await proxy.ask(model="other", messages=messages, tools=[BASH])
        assert seen.calls == [("bash", {"command": "ls -la"})]
    assert [each["messages"] for each in proxy.vllm.requests] == [messages, taken, taken]


async def test_a_qwen_gets_no_late_system_message(proxy: Proxy) -> None:
    proxy.vllm.says(GOOD)
    late = [*TASK, {"role": "system", "content": "Mind this."}]
    await proxy.ask(model="qwen3.5-35b", messages=late, tools=[BASH])
    assert proxy.vllm.requests[0]["messages"] == [*TASK, told("Mind this.")]


async def test_operator_and_journal_are_told_what_was_healed(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path), vllm, stream)
    vllm.says('<|tool_call>call:bash{command:<|"|>ls<|"|>,timeout:<|"|>5<|"|>}<tool_call|>')
    with structlog.testing.capture_logs() as logs:
        await proxy.ask(messages=SICK, tools=[BASH])
    record = await written(tmp_path)
    assert (record["repairs"], record["healed"], record["skipped_rules"]) == (["coerce_number"], list(STEPS), [])
    assert [each["healed"] for each in logs if each["event"] == "answered"] == [STEPS]
