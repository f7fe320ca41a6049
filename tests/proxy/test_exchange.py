"""What surrounds a turn: budgets, stop strings, the journal, the operator's events, odd requests."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.registry import DIALECTS
from proxy.demo.speak import Said
from proxy.errors import BadRequest, UpstreamTimeout
from proxy.ladder import Gate, allowance
from proxy.settings import Budget
from rules.conversation import ToolCall
from tests.adapters.clients.openhands_prompt import request
from tests.conftest import BASH, MODEL, Proxy, Start
from tests.fake_vllm import FakeVllm

GOOD = '<|tool_call>call:bash{command:<|"|>ls -la<|"|>}<tool_call|>'
EMPTY = "<|tool_call>call:bash{}<tool_call|>"


def records(folder: Path) -> list[dict[str, Any]]:
    """Read what is there. A line without its end is still being written."""
    lines = [line for file in sorted(folder.glob("*.jsonl")) for line in file.read_bytes().split(b"\n")[:-1]]
    return [record for record in map(json.loads, lines) if "outcome" in record]


async def written(folder: Path) -> dict[str, Any]:
    for _ in range(200):
        if found := records(folder):
            return found[-1]
        await asyncio.sleep(0.02)
    raise AssertionError("nothing was written down")


async def test_a_mended_turn_is_written_down(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path), vllm, stream)
    vllm.says(f"Well.{EMPTY}", '<|tool_call>call:bash{command:<|"|>ls<|"|>,timeout:<|"|>5<|"|>}<tool_call|>')
    await proxy.ask(tools=[BASH])
    record = await written(tmp_path)
    assert (record["outcome"], record["class"], record["reason"]) == ("asked-again", "model-arguments", "missing-arguments")
    assert [each["problem"] for each in record["attempts"]] == ["missing-arguments", ""]
    assert record["attempts"][0]["raw"] == f"Well.{EMPTY}"
    assert record["repairs"] == ["coerce_number"]
    assert json.loads(record["final"]["calls"][0]["arguments"]) == {"command": "ls", "timeout": 5}
    assert record["usage"]["total"] == record["usage"]["prompt"] + record["usage"]["completion"]
    assert record["usage"]["extra"] > 0
    request = record["request"]
    assert (request["messages"], request["tools"], request["stream"]) == (1, ["bash"], stream)
    assert request["body"]["tools"] == [BASH]


async def test_a_right_turn_is_not_written_down(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path), vllm, stream)
    vllm.says(
        Said(GOOD, calls=[{"id": "s1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls -la"}'}}])
    )
    await proxy.ask(tools=[BASH])
    await asyncio.sleep(0.2)
    assert records(tmp_path) == []


@pytest.mark.parametrize(("parsed", "reason"), [(None, "call-not-parsed"), ('{"command": "ls"}', "call-misparsed")])
async def test_what_the_servers_parser_got_wrong_is_written_down(
    vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path, parsed: str | None, reason: str
) -> None:
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path), vllm, stream)
    calls = [{"id": "s1", "type": "function", "function": {"name": "bash", "arguments": parsed}}] if parsed else []
    vllm.says(Said(GOOD, calls=calls))
    assert (await proxy.ask(tools=[BASH])).calls == [("bash", {"command": "ls -la"})]
    record = await written(tmp_path)
    assert (record["outcome"], record["class"], record["reason"]) == ("mended", "engine-parser", reason)


async def test_a_broken_answer_is_written_down(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path), vllm, stream)

    async def nothing(request: Any, asked: Any) -> Any:
        response = aiohttp.web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        return response

    vllm.says(nothing)
    with pytest.raises(Exception, match="broke off"):
        await proxy.ask(tools=[BASH])
    record = await written(tmp_path)
    assert (record["outcome"], record["class"], record["reason"]) == ("error", "upstream", "truncated")


async def test_observe_writes_down_what_it_would_have_found(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    proxy = Proxy(await start(upstream=vllm.url, mode="observe", journal=tmp_path), vllm, stream)
    vllm.says(Said(calls=[{"id": "s1", "type": "function", "function": {"name": "bash", "arguments": "{}"}}]))
    await proxy.ask(tools=[BASH])
    record = await written(tmp_path)
    assert (record["mode"], record["reason"]) == ("observe", "missing-arguments")


async def test_bodies_off_keeps_shapes_only(vllm: FakeVllm, start: Start, tmp_path: Path) -> None:
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path, journal_bodies="off"), vllm, stream=False)
    vllm.says("secretword" + EMPTY, GOOD)
    await proxy.ask(tools=[BASH])
    record = await written(tmp_path)
    assert "secretword" not in json.dumps(record)
    assert record["attempts"][0]["raw"]["chars"] == len("secretword" + EMPTY)


async def test_stop_strings_end_the_turn_and_are_not_shown(proxy: Proxy) -> None:
    proxy.vllm.says(Said("One. Two. STOP", stop_reason="STOP"))
    seen = await proxy.ask(tools=[BASH], stop=["STOP"])
    assert (seen.text, seen.finish) == ("One. Two. ", "stop")


async def test_a_call_cut_by_a_stop_string_is_not_executed(proxy: Proxy) -> None:
    proxy.vllm.says(Said('<|tool_call>call:bash{command:<|"|>rm -rf /tmp/x', stop_reason="STOP", finish="tool_calls"))
    assert (await proxy.ask(tools=[BASH], stop="STOP")).calls == []


async def test_openhands_text_is_answered_in_its_own_form(proxy: Proxy) -> None:
    proxy.vllm.says('Look.\n<|tool_call>call:bash{command:<|"|>ls<|"|>}<tool_call|>')
    body = request()
    seen = await proxy.ask(**{key: value for key, value in body.items() if key != "model"})
    call = "<function=execute_bash>\n<parameter=command>ls</parameter>\n<parameter=security_risk>HIGH</parameter>\n</function>"
    assert (seen.text, seen.calls, seen.finish) == (f"Look.\n\n{call}", [], "stop")
    asked = proxy.vllm.requests[0]
    assert "stop" not in asked
    assert [tool["function"]["name"] for tool in asked["tools"]] == ["execute_bash", "editor", "plan", "finish"]
    assert "EXAMPLE" not in json.dumps(asked)


async def test_openhands_text_takes_what_text_cannot_carry_structured(proxy: Proxy) -> None:
    value = "a</parameter>b"
    proxy.vllm.says(f'<|tool_call>call:execute_bash{{command:<|"|>{value}<|"|>,security_risk:<|"|>LOW<|"|>}}<tool_call|>')
    seen = await proxy.ask(**{key: each for key, each in request().items() if key != "model"})
    assert (seen.calls, seen.finish) == ([("execute_bash", {"command": value, "security_risk": "LOW"})], "tool_calls")


async def test_a_value_that_would_poison_the_history_is_asked_for_again(proxy: Proxy) -> None:
    bad = '<|tool_call>call:execute_bash{command:<|"|>echo "</function>"<|"|>,security_risk:<|"|>LOW<|"|>}<tool_call|>'
    good = bad.replace("</function>", '</func" + "tion>')
    proxy.vllm.says(bad, good)
    seen = await proxy.ask(**{key: each for key, each in request().items() if key != "model"})
    assert "</func" in seen.text + json.dumps(seen.calls)
    assert len(proxy.vllm.requests) == 2


async def test_a_fenced_call_is_a_call_where_every_turn_is_an_action(proxy: Proxy) -> None:
    call = "<function=execute_bash>\n<parameter=command>ls</parameter>\n</function>"
    proxy.vllm.says(f"```\n{call}\n```")
    seen = await proxy.ask(**{key: each for key, each in request().items() if key != "model"})
    assert "<parameter=security_risk>HIGH</parameter>" in seen.text
    assert (await proxy.ask(tools=[BASH])).calls == []


@pytest.mark.parametrize("name", DIALECTS)
async def test_tools_and_history_can_be_written_as_text(vllm: FakeVllm, start: Start, stream: bool, name: str) -> None:
    dialect = DIALECTS[name]
    profile = {"name": "texts", "match": [MODEL], "protocol": f"text:{name}"}
    proxy = Proxy(await start(upstream=vllm.url, profile=[profile]), vllm, stream)
    vllm.says(dialect.render((ToolCall("", "bash", {"command": "pwd"}),)))
    made = {"id": "c1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls -la"}'}}
    messages = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": "Looking.", "tool_calls": [made]},
        {"role": "tool", "tool_call_id": "c1", "content": "a.txt"},
    ]
    seen = await proxy.ask(messages=messages, tools=[BASH], tool_choice="auto")
    assert seen.calls == [("bash", {"command": "pwd"})]
    asked = vllm.requests[0]
    assert not {"tools", "tool_choice"} & asked.keys()
    system, user, assistant, result = asked["messages"]
    assert [each["role"] for each in asked["messages"]] == ["system", "user", "assistant", "user"]
    assert "Run a command." in system["content"]
    assert user["content"] == "go"
    assert assistant["content"] == "Looking.\n" + dialect.render((ToolCall("", "bash", {"command": "ls -la"}),))
    assert "a.txt" in result["content"]


async def test_a_path_may_name_the_client(vllm: FakeVllm, start: Start) -> None:
    url = await start(upstream=vllm.url)
    vllm.says("<function=execute_bash>\n<parameter=command>ls</parameter>\n</function>")
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{url}/openhands/v1/chat/completions", json=request()) as response:
            answer = await response.json()
    assert "security_risk>HIGH" in answer["choices"][0]["message"]["content"]


async def test_the_budget_stays_inside_the_clients_patience() -> None:
    inside = allowance(Budget(seconds=120), {"x-stainless-read-timeout": "10"}, 0.0)
    assert inside.seconds < 8
    for header in ("", "nonsense", "-1", "nan"):
        assert 119 < allowance(Budget(seconds=120), {"x-stainless-read-timeout": header}, 0.0).seconds <= 120


async def test_questions_are_bounded_and_stop_for_a_failing_server() -> None:
    gate = Gate()
    with gate.asking(), gate.asking(), gate.asking():
        assert not await gate.enter(0.05)
        gate.active = 100
        assert await gate.enter(0.05)
    for _ in range(2 * Gate.FAILURES):
        with pytest.raises(BadRequest), gate.asking():
            raise BadRequest("the request was at fault, not the server")
    assert await gate.enter(0.05)
    for _ in range(Gate.FAILURES):
        with pytest.raises(UpstreamTimeout), gate.asking():
            raise UpstreamTimeout("x")
    assert not await gate.enter(0.05)


async def test_a_failing_second_answer_leaves_the_first(proxy: Proxy) -> None:
    from tests.fake_vllm import refusing

    proxy.vllm.says(EMPTY, refusing(500, b'{"error":{"message":"dead"}}'))
    assert (await proxy.ask(tools=[BASH])).calls == [("bash", {})]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=6), each, max_size=3),
    max_leaves=6,
)
MEMBERS = [
    "model",
    "messages",
    "tools",
    "tool_choice",
    "stream",
    "stop",
    "max_tokens",
    "n",
    "logprobs",
    "chat_template_kwargs",
    "stream_options",
]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_request_is_our_failure(data: st.DataObject) -> None:
    body: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}], "tools": [BASH]}
    for name in data.draw(st.lists(st.sampled_from(MEMBERS), max_size=3, unique=True)):
        body[name] = data.draw(json_values)
    if data.draw(st.booleans()):
        fields = st.dictionaries(
            st.sampled_from(["role", "content", "tool_calls", "tool_call_id", "reasoning"]), json_values, max_size=4
        )
        body["messages"] = data.draw(st.lists(fields, max_size=3))
    if data.draw(st.booleans()):
        function = st.dictionaries(st.sampled_from(["name", "description", "parameters"]), json_values, max_size=3)
        body["tools"] = data.draw(
            st.lists(st.fixed_dictionaries({"type": st.just("function"), "function": function}), min_size=1, max_size=3)
        )
    assert asyncio.run(status_of(body)) < 500


async def status_of(body: dict[str, Any]) -> int:
    """Send a body through a fresh proxy and return the status."""
    from proxy.serve import make_runner
    from proxy.settings import Settings
    from tests.conftest import listen

    fake = FakeVllm()
    fake.says(f"Well.{GOOD}")
    runners = [aiohttp.web.AppRunner(fake.app(), access_log=None)]
    try:
        runners.append(make_runner(Settings(upstream=await listen(runners[0]), probe=False)))
        url = await listen(runners[1])
        async with aiohttp.ClientSession() as session, session.post(f"{url}/v1/chat/completions", json=body) as response:
            await response.read()
            return response.status
    finally:
        for runner in reversed(runners):
            await runner.cleanup()
