"""What is missing is asked for alone, under a grammar; a server that bears none, or makes an error of it, is asked in words."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from proxy.demo.speak import Said, whole
from tests.adapters.clients.openhands_prompt import request
from tests.conftest import BASH, MODEL, Proxy, Start
from tests.fake_vllm import FakeVllm, refusing
from tests.proxy.test_exchange import written

EDIT: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "edit",
        "parameters": {
            "type": "object",
            "properties": {
                "path": {"type": "string", "minLength": 1, "pattern": "^/"},
                "text": {"type": "string"},
                "mode": {"type": "string", "enum": ["append", "replace"]},
                "line": {"type": "integer", "minimum": 1},
            },
            "required": ["path", "text", "mode"],
            "additionalProperties": False,
        },
    },
}
TEXT = "a long text\n" * 40
NO_MODE = f'<|tool_call>call:edit{{path:<|"|>/a<|"|>,text:<|"|>{TEXT}<|"|>}}<tool_call|>'
WHOLE = f'<|tool_call>call:edit{{path:<|"|>/a<|"|>,text:<|"|>{TEXT}<|"|>,mode:<|"|>append<|"|>}}<tool_call|>'
RIGHT = ("edit", {"path": "/a", "text": TEXT, "mode": "append"})


def form_of(body: dict[str, Any]) -> str:
    """Say in which form a grammar was asked for."""
    return "guided_json" if "guided_json" in body else str(body.get("response_format", {}).get("type", ""))


def grammar_of(body: dict[str, Any]) -> Any:
    return body["response_format"]["format"]["json_schema"]


async def test_only_what_is_missing_is_asked_for(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path), vllm, stream)
    vllm.says(f"Now.\n{NO_MODE}", '{"mode": "append"}')
    seen = await proxy.ask(tools=[EDIT], messages=[{"role": "user", "content": "go"}])
    assert (seen.calls, seen.finish) == ([RIGHT], "tool_calls")
    first, second = vllm.requests
    assert grammar_of(second) == {
        "type": "object",
        "properties": {"mode": {"type": "string", "enum": ["append", "replace"]}},
        "required": ["mode"],
        "additionalProperties": False,
    }
    assert second["response_format"]["format"]["max_whitespace_cnt"] == 2
    assert second["messages"][: len(first["messages"])] == first["messages"]
    assert (second["tools"], second["tool_choice"]) == (first["tools"], "none")
    assert second["chat_template_kwargs"]["enable_thinking"] is False
    assert second["max_tokens"] < 200
    assert '"mode"' in second["messages"][-1]["content"]
    record = await written(tmp_path)
    assert (record["outcome"], record["reason"]) == ("asked-again", "missing-arguments")
    assert [each["problem"] for each in record["attempts"]] == ["missing-arguments", ""]
    assert record["attempts"][1]["raw"] == '{"mode": "append"}'
    assert [each["rung"] for each in record["attempts"]] == ["", "members"]
    assert record["usage"]["extra"] > 0


async def test_a_wrong_value_is_asked_for_alone_and_judged_by_the_full_schema(proxy: Proxy) -> None:
    wrong = WHOLE.replace('<|"|>/a<|"|>', '<|"|>a<|"|>')
    proxy.vllm.says(wrong, '{"path": "still/wrong"}', WHOLE)
    assert (await proxy.ask(tools=[EDIT])).calls == [RIGHT]
    assert list(grammar_of(proxy.vllm.requests[1])["properties"]) == ["path"]
    assert grammar_of(proxy.vllm.requests[1])["properties"]["path"] == {"type": "string"}
    assert "response_format" not in proxy.vllm.requests[2]


async def test_what_comes_is_mended_as_any_call(proxy: Proxy) -> None:
    proxy.vllm.says(NO_MODE, '```json\n{"mode": " APPEND "}\n```')
    assert (await proxy.ask(tools=[EDIT])).calls == [RIGHT]


async def test_nothing_that_was_not_asked_for_is_taken(proxy: Proxy) -> None:
    proxy.vllm.says(NO_MODE, '{"mode": "append", "path": "/etc/passwd", "line": 9}')
    assert (await proxy.ask(tools=[EDIT])).calls == [RIGHT]


async def test_a_server_that_ignores_the_grammar_is_asked_in_words_and_in_another_form_the_next_time(proxy: Proxy) -> None:
    proxy.vllm.says(*[NO_MODE, WHOLE, WHOLE] * 3, NO_MODE, WHOLE)
    for _ in range(4):
        assert (await proxy.ask(tools=[EDIT])).calls == [RIGHT]
    forms = [form_of(each) for each in proxy.vllm.requests]
    tried = ["structural_tag", "json_schema", "json_object"]
    assert forms == [each for form in tried for each in ("", form, "")] + ["", ""]


async def test_a_call_that_comes_in_the_place_of_json_counts_where_it_is_short_enough(proxy: Proxy) -> None:
    short = '<|tool_call>call:edit{path:<|"|>/a<|"|>,text:<|"|>b<|"|>%s}<tool_call|>'
    proxy.vllm.says(short % "", short % ',mode:<|"|>append<|"|>')
    assert (await proxy.ask(tools=[EDIT])).calls == [("edit", {"path": "/a", "text": "b", "mode": "append"})]
    assert [form_of(each) for each in proxy.vllm.requests] == ["", "structural_tag"]


@pytest.mark.parametrize("status", [400, 500])
async def test_a_server_that_makes_an_error_of_it_is_asked_in_words_at_once(proxy: Proxy, status: int) -> None:
    error = refusing(status, b'{"error": {"message": "Failed to compile the grammar"}}')
    proxy.vllm.says(NO_MODE, error, WHOLE, NO_MODE, WHOLE)
    assert (await proxy.ask(tools=[EDIT])).calls == [RIGHT]
    assert (await proxy.ask(tools=[EDIT])).calls == [RIGHT]
    forms = [each.get("response_format", {}).get("type") for each in proxy.vllm.requests]
    assert forms == [None, "structural_tag", None, None, None]  # it is remembered for this schema


async def test_an_answer_that_is_cut_is_not_taken(proxy: Proxy) -> None:
    proxy.vllm.says(NO_MODE, Said('{"mode": "append"}', finish="length"), WHOLE)
    assert (await proxy.ask(tools=[EDIT])).calls == [RIGHT]
    assert len(proxy.vllm.requests) == 3


async def test_the_limit_of_the_client_holds(proxy: Proxy) -> None:
    proxy.vllm.says(NO_MODE, '{"mode": "append"}')
    await proxy.ask(tools=[EDIT], max_completion_tokens=5000)
    body = proxy.vllm.requests[1]
    assert body["max_tokens"] < 200
    assert "max_completion_tokens" not in body


async def test_unreadable_arguments_are_asked_for_in_words_and_then_under_a_grammar(proxy: Proxy) -> None:
    broken = '<tool_call>\n{"name": "edit", "arguments": "{path /a"}\n</tool_call>'
    proxy.vllm.says(broken, broken, json.dumps(RIGHT[1]))
    assert (await proxy.ask(tools=[EDIT])).calls == [RIGHT]
    assert ["response_format" in each for each in proxy.vllm.requests] == [False, False, True]
    assert grammar_of(proxy.vllm.requests[2])["required"] == ["path", "text", "mode"]


async def test_a_client_of_text_gets_its_action(vllm: FakeVllm, start: Start, stream: bool) -> None:
    proxy = Proxy(await start(upstream=vllm.url, profile=[{"name": "g", "extends": "gemma-4", "match": [MODEL]}]), vllm, stream)
    call = '<|tool_call>call:execute_bash{security_risk:<|"|>LOW<|"|>}<tool_call|>'
    vllm.says(call, '{"command": "ls"}')
    body = request()
    seen = await proxy.ask(**{name: value for name, value in body.items() if name in ("messages", "stop")})
    assert "<parameter=command>ls</parameter>" in seen.text
    assert list(grammar_of(vllm.requests[1])["properties"]) == ["command"]


async def test_several_wrong_calls_are_asked_for_one_by_one(proxy: Proxy) -> None:
    two = "<|tool_call>call:bash{}<tool_call|>" + NO_MODE
    proxy.vllm.says(two, '{"command": "ls"}', '{"mode": "append"}')
    seen = await proxy.ask(tools=[BASH, EDIT])
    assert seen.calls in ([("bash", {"command": "ls"}), RIGHT], [("bash", {"command": "ls"})])
    assert len(proxy.vllm.requests) == 3


# --- a whole call under a grammar, once words did not help

UNREADABLE = '<tool_call>\n{"name": "edit", "arguments": "{path /a"}\n</tool_call>'
STRANGE = '<|tool_call>call:launch_console{input:<|"|>ps<|"|>}<tool_call|>'


async def test_missing_arguments_that_words_do_not_bring_are_asked_for_with_all_others(proxy: Proxy) -> None:
    proxy.vllm.says(NO_MODE, Said('{"mode": "app', finish="length"), NO_MODE, json.dumps(RIGHT[1]))
    assert (await proxy.ask(tools=[EDIT])).calls == [RIGHT]
    assert [form_of(each) for each in proxy.vllm.requests] == ["", "structural_tag", "", "structural_tag"]
    assert grammar_of(proxy.vllm.requests[3])["required"] == ["path", "text", "mode"]
    assert "max_tokens" not in proxy.vllm.requests[3]  # it may be a file; what the context cannot hold, vLLM would refuse


async def test_an_unknown_tool_is_asked_for_in_words_and_then_as_one_of_those_that_there_are(proxy: Proxy) -> None:
    proxy.vllm.says(STRANGE, STRANGE, json.dumps({"name": "bash", "arguments": {"command": "ps"}}))
    assert (await proxy.ask(tools=[EDIT, BASH])).calls == [("bash", {"command": "ps"})]
    schema = grammar_of(proxy.vllm.requests[2])
    assert [each["properties"]["name"] for each in schema["anyOf"]] == [{"const": "edit"}, {"const": "bash"}]
    assert [each["properties"]["arguments"]["required"] for each in schema["anyOf"]] == [["path", "text", "mode"], ["command"]]
    assert proxy.vllm.requests[2]["tool_choice"] == "none"


async def test_a_demanded_call_comes_under_a_grammar_where_the_model_only_talks(proxy: Proxy) -> None:
    proxy.vllm.says("I would rather not.", "Really.", json.dumps({"name": "bash", "arguments": {"command": "ls"}}))
    seen = await proxy.ask(tools=[BASH], tool_choice="required")
    assert (seen.calls, seen.finish) == ([("bash", {"command": "ls"})], "tool_calls")
    assert [form_of(each) for each in proxy.vllm.requests] == ["", "", "structural_tag"]


async def test_what_was_cut_is_asked_for_as_a_whole(proxy: Proxy) -> None:
    cut = Said('<|tool_call>call:edit{path:<|"|>/a<|"|>,text:<|"|>b', finish="length")
    proxy.vllm.says(cut, cut, json.dumps({"name": "edit", "arguments": RIGHT[1]}))
    assert (await proxy.ask(tools=[EDIT])).calls == [RIGHT]


async def test_an_answer_under_a_grammar_is_judged_as_any(proxy: Proxy) -> None:
    proxy.vllm.says(STRANGE, STRANGE, json.dumps({"name": "launch_console", "arguments": {}}))
    seen = await proxy.ask(tools=[EDIT, BASH])
    assert seen.headers.get("x-toolmend-outcome") in ("failed-open", None)
    assert len(proxy.vllm.requests) == 3


async def test_an_optional_argument_that_was_wrong_may_be_left_out(proxy: Proxy) -> None:
    wrong = WHOLE.replace("mode:", "line:0,mode:")
    proxy.vllm.says(wrong, "{}")
    assert (await proxy.ask(tools=[EDIT])).calls == [RIGHT]
    asked = grammar_of(proxy.vllm.requests[1])
    assert (list(asked["properties"]), asked["required"]) == (["line"], [])


# --- guards


async def test_a_grammar_in_which_the_model_finds_no_end_is_left_for_words_and_remembered(proxy: Proxy) -> None:
    endless = '{"mode":' + " " * 5000
    proxy.vllm.says(NO_MODE, endless, WHOLE, NO_MODE, WHOLE)
    for _ in range(2):
        assert (await proxy.ask(tools=[EDIT])).calls == [RIGHT]
    assert [form_of(each) for each in proxy.vllm.requests] == ["", "structural_tag", "", "", ""]


async def test_a_full_context_is_not_the_grammars_fault(proxy: Proxy) -> None:
    error = refusing(400, b'{"error": {"message": "This model\'s maximum context length is 8192 tokens."}}')
    proxy.vllm.says(NO_MODE, error, WHOLE, NO_MODE, '{"mode": "append"}')
    for _ in range(2):
        assert (await proxy.ask(tools=[EDIT])).calls == [RIGHT]
    assert [form_of(each) for each in proxy.vllm.requests] == ["", "structural_tag", "", "", "structural_tag"]


async def test_what_the_client_asks_of_the_form_does_not_stand_beside_the_grammar(proxy: Proxy) -> None:
    proxy.vllm.says(NO_MODE, '{"mode": "append"}')
    await proxy.ask(tools=[EDIT], stop=["</function"])
    assert [each.get("stop") for each in proxy.vllm.requests] == [["</function"], None]


async def test_a_client_that_goes_ends_the_question_too_and_what_it_cost_is_written_down(
    vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path
) -> None:
    url = await start(upstream=vllm.url, journal=tmp_path)
    vllm.says(NO_MODE, Said('{"mode": "' + "x " * 90))
    vllm.pause = 0.05
    body = {"model": MODEL, "messages": [{"role": "user", "content": "go"}], "tools": [EDIT], "stream": stream}
    async with asyncio.timeout(30), aiohttp.ClientSession() as session:
        asking = asyncio.create_task(read_all(session, f"{url}/v1/chat/completions", body))
        while len(vllm.requests) < 2 or not vllm.live:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        while vllm.live:
            await asyncio.sleep(0.02)
    assert vllm.aborted == 1
    assert len(vllm.requests) == 2
    record = await written(tmp_path)
    assert record["outcome"] == "aborted"
    assert [(each["rung"], each["usage"]["completion"] > 0) for each in record["attempts"]] == [("", True), ("members", True)]
    assert record["usage"]["completion"] == sum(each["usage"]["completion"] for each in record["attempts"])


async def read_all(session: aiohttp.ClientSession, url: str, body: dict[str, Any]) -> bytes:
    async with session.post(url, json=body) as answer:
        return await answer.read()


async def test_no_more_questions_are_asked_at_a_time_than_a_fifth_of_what_is_active_or_three(
    vllm: FakeVllm, start: Start
) -> None:
    asked = peak = 0

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        nonlocal asked, peak
        again = bool(form_of(body))
        asked += again
        peak = max(peak, asked)
        await asyncio.sleep(0.05 if again else 0.01)
        asked -= again
        return web.json_response(whole(Said('{"mode": "append"}' if again else NO_MODE), body))

    url = await start(upstream=vllm.url)
    vllm.says(answer)
    body = {"model": MODEL, "messages": [{"role": "user", "content": "go"}], "tools": [EDIT]}
    async with aiohttp.ClientSession() as session:
        answers = await asyncio.gather(*(read_all(session, f"{url}/v1/chat/completions", body) for _ in range(12)))
    assert all(json.loads(each)["choices"][0]["finish_reason"] == "tool_calls" for each in answers)
    assert peak == 3
