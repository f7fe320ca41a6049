"""The chat route, whole and streamed, read by the official SDK."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import aiohttp
import openai
import pytest
from aiohttp import web

from proxy.demo.speak import Said, events
from tests.conftest import BASH, MODEL, WAIT, Proxy, Start
from tests.fake_vllm import FakeVllm, refusing, sending

GOOD = '<|tool_call>call:bash{command:<|"|>ls -la<|"|>}<tool_call|>'
EMPTY = "<|tool_call>call:bash{}<tool_call|>"


def structured(name: str, arguments: str) -> Said:
    """A call as a server that parsed it sends it, without raw text."""
    return Said(calls=[{"id": "s1", "type": "function", "function": {"name": name, "arguments": arguments}}])


async def test_a_good_call_comes_through(proxy: Proxy) -> None:
    proxy.vllm.says(f"Looking.\n{GOOD}")
    seen = await proxy.ask(tools=[BASH])
    assert (seen.text, seen.calls, seen.finish) == ("Looking.", [("bash", {"command": "ls -la"})], "tool_calls")


async def test_upstream_is_asked_to_stream_with_usage_and_logprobs(proxy: Proxy) -> None:
    proxy.vllm.says(GOOD)
    await proxy.ask(tools=[BASH])
    asked = proxy.vllm.requests[0]
    assert asked["stream"] is True
    assert asked["logprobs"] is True
    assert asked["stream_options"] == {"include_usage": True}
    assert asked["tools"] == [BASH]


async def test_logprobs_reach_only_who_asked(proxy: Proxy) -> None:
    proxy.vllm.says("Hello there.")
    async with openai.AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key="k") as client:
        base: dict[str, Any] = {"model": "gemma-4-26b", "messages": [{"role": "user", "content": "hi"}], "tools": [BASH]}
        for asked in (False, True):
            answer = await client.chat.completions.create(**base, **({"logprobs": True} if asked else {}))
            assert bool(answer.choices[0].logprobs) is asked


async def test_plain_text_comes_through_to_the_character(proxy: Proxy) -> None:
    text = "  Two blanks, `<tool_call>` in backticks,\n\n```\n<function=bash>\n```\nand a newline at the end.\n"
    proxy.vllm.says(text)
    seen = await proxy.ask(tools=[BASH])
    assert (seen.text, seen.calls, seen.finish) == (text, [], "stop")


@pytest.mark.parametrize(
    "raw",
    [
        '<tool_call>\n{"name": "bash", "arguments": {"command": "ls -la"}}\n</tool_call>',
        "<tool_call>\n<function=bash>\n<parameter=command>\nls -la\n</parameter>\n</function>\n</tool_call>",
        "<function=bash>\n<parameter=command>ls -la</parameter>\n</function>",
        '<|tool_call>call:bash{command:"ls -la"}<tool_call|>',
        'call:bash{command:<|"|>ls -la<|"|>}',
    ],
)
async def test_any_dialect_becomes_a_structured_call(proxy: Proxy, raw: str) -> None:
    proxy.vllm.says(raw)
    seen = await proxy.ask(tools=[BASH])
    assert (seen.text, seen.calls, seen.finish) == ("", [("bash", {"command": "ls -la"})], "tool_calls")


@pytest.mark.parametrize(
    ("arguments", "right"),
    [
        ('{"command": "ls"}', {"command": "ls"}),
        ('"{\\"command\\": \\"ls\\"}"', {"command": "ls"}),
        ("{'command': 'ls', 'timeout': '5'}", {"command": "ls", "timeout": 5}),
        ('{"command": "a\nb"}', {"command": "a\nb"}),
        ('{"command": "ls", "timeout": null}', {"command": "ls"}),
        ('{"arguments": {"command": "ls"}}', {"command": "ls"}),
    ],
)
async def test_a_server_without_raw_text_is_read_by_its_structured_deltas(proxy: Proxy, arguments: str, right: Any) -> None:
    proxy.vllm.says(structured("functions.bash", arguments))
    seen = await proxy.ask(tools=[BASH])
    assert seen.calls == [("bash", right)]
    assert seen.ids == ("s1",)


async def test_untouched_arguments_keep_their_bytes(vllm: FakeVllm, start: Start) -> None:
    import aiohttp

    arguments = '{ "command":"x",  "big": 123456789012345678901234567890, "f": 1.50 }'
    vllm.says(structured("any", arguments))
    url = await start(upstream=vllm.url)
    tool = {"type": "function", "function": {"name": "any", "parameters": {"type": "object"}}}
    async with aiohttp.ClientSession() as session:
        body = {"model": "m", "messages": [{"role": "user", "content": "go"}], "tools": [tool]}
        async with session.post(f"{url}/v1/chat/completions", json=body) as response:
            answer = await response.json()
    assert answer["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == arguments


async def test_what_is_missing_is_asked_for(proxy: Proxy) -> None:
    proxy.vllm.says(f"Well.\n{EMPTY}", GOOD)
    seen = await proxy.ask(tools=[BASH], temperature=0.0)
    assert seen.calls == [("bash", {"command": "ls -la"})]
    first, second = proxy.vllm.requests
    assert second["messages"][:1] == first["messages"]
    attempt, advice = second["messages"][1:]
    assert attempt["role"] == "assistant"
    assert "call:bash{}" in attempt["content"]
    assert advice["role"] == "user"
    assert "command" in advice["content"]
    assert second["temperature"] != first["temperature"]
    used = seen.usage
    assert used.prompt_tokens == 200
    assert used.total_tokens == used.prompt_tokens + used.completion_tokens


async def test_a_model_that_never_learns_costs_three_answers(proxy: Proxy) -> None:
    proxy.vllm.says(EMPTY)
    seen = await proxy.ask(tools=[BASH])
    assert len(proxy.vllm.requests) == 3
    assert seen.calls == [("bash", {})]
    if not proxy.stream:
        assert seen.headers["x-toolmend-outcome"] == "failed-open"
        assert seen.headers["x-toolmend-attempts"] == "3"


async def test_a_wrong_type_is_never_delivered(proxy: Proxy) -> None:
    proxy.vllm.says(structured("bash", '{"command": {"a": 1}}'))
    seen = await proxy.ask(tools=[BASH])
    assert seen.calls == []
    assert "bash" in seen.text
    assert seen.finish == "stop"


@pytest.mark.parametrize("raw", ["", "   \n", "<|channel>thought\nHm.\n<channel|>"])
async def test_an_empty_answer_is_asked_again(proxy: Proxy, raw: str) -> None:
    proxy.vllm.says(raw, "Here it is.")
    seen = await proxy.ask(tools=[BASH])
    assert (seen.text, seen.finish) == ("Here it is.", "stop")


async def test_an_endlessly_empty_answer_says_what_it_is(proxy: Proxy) -> None:
    proxy.vllm.says("")
    assert "toolmend" in (await proxy.ask(tools=[BASH])).text


@pytest.mark.parametrize("finish", ["length", "tool_calls"])
@pytest.mark.parametrize("cut", range(14, len(GOOD) - 12, 3))
async def test_a_truncated_call_is_never_executed(proxy: Proxy, cut: int, finish: str) -> None:
    proxy.vllm.says(Said(GOOD[:cut], finish=finish))
    seen = await proxy.ask(tools=[BASH], max_tokens=1)
    assert seen.calls == []
    assert seen.finish == "length"


async def test_a_truncated_call_is_asked_again(proxy: Proxy) -> None:
    proxy.vllm.says(Said(GOOD[:30], finish="length"), GOOD)
    assert (await proxy.ask(tools=[BASH])).calls == [("bash", {"command": "ls -la"})]


async def test_a_truncated_text_tells_its_length(proxy: Proxy) -> None:
    proxy.vllm.says(Said("Once upon a", finish="length"))
    seen = await proxy.ask(tools=[BASH])
    assert (seen.text, seen.finish) == ("Once upon a", "length")


async def test_schemas_that_are_not_plain_are_checked_too(proxy: Proxy) -> None:
    proxy.vllm.says("<|tool_call>call:wait{seconds:0}<tool_call|>", "<|tool_call>call:wait{seconds:3}<tool_call|>")
    assert (await proxy.ask(tools=[WAIT])).calls == [("wait", {"seconds": 3})]


async def test_two_calls_keep_their_order_and_get_their_ids(proxy: Proxy) -> None:
    proxy.vllm.says(GOOD + GOOD.replace("ls -la", "pwd"))
    seen = await proxy.ask(tools=[BASH])
    assert [call[1]["command"] for call in seen.calls] == ["ls -la", "pwd"]
    assert len(set(seen.ids)) == 2


async def test_forbidden_calls_are_neither_executed_nor_shown(proxy: Proxy) -> None:
    proxy.vllm.says(f"I would look.{GOOD}")
    seen = await proxy.ask(tools=[BASH], tool_choice="none")
    assert (seen.text, seen.calls) == ("I would look.", [])


async def test_a_server_without_tool_parser_is_read_from_its_raw_text(proxy: Proxy) -> None:
    complaint = (
        b'{"error":{"message":"\\"auto\\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set"}}'
    )
    proxy.vllm.says(refusing(400, complaint), Said(GOOD))
    for _ in range(2):
        assert (await proxy.ask(tools=[BASH])).calls == [("bash", {"command": "ls -la"})]
    assert [each.get("tool_choice") for each in proxy.vllm.requests] == [None, "none", "none"]


async def test_all_that_are_refused_at_once_are_sent_again(proxy: Proxy) -> None:
    """Each was sent before any refusal was known: what the first one taught is news to the others, too."""
    asked = asyncio.Event()

    async def refuse_once_all_are_there(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if body.get("tool_choice") == "none":
            return await sending(*events(Said(GOOD), body))(request, body)
        if sum(each.get("tool_choice") is None for each in proxy.vllm.requests) == 4:
            asked.set()
        await asked.wait()
        return web.json_response({"error": {"message": "requires --tool-call-parser to be set"}}, status=400)

    proxy.vllm.says(refuse_once_all_are_there)
    answers = await asyncio.gather(*(proxy.ask(tools=[BASH]) for _ in range(4)))
    assert [each.calls for each in answers] == [[("bash", {"command": "ls -la"})]] * 4
    assert len(proxy.vllm.requests) == 8


async def test_a_template_that_wants_turns_to_alternate_gets_them(proxy: Proxy) -> None:
    complaint = b'{"error":{"message":"Conversation roles must alternate user/assistant/user/assistant/..."}}'
    proxy.vllm.says(refusing(400, complaint), Said(GOOD))
    messages = [{"role": "user", "content": "one"}, {"role": "user", "content": [{"type": "text", "text": "two"}]}]
    seen = await proxy.ask(model="other", messages=messages, tools=[BASH])
    assert seen.calls == [("bash", {"command": "ls -la"})]
    merged = proxy.vllm.requests[1]["messages"]
    assert merged == [{"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}]


async def test_the_servers_own_errors_pass_byte_for_byte(proxy: Proxy) -> None:
    body = (
        b'{"error": {"message": "This model\'s maximum context length is 4096 tokens.", "type": "BadRequestError", "code": 400}}'
    )
    proxy.vllm.says(refusing(400, body))
    with pytest.raises(openai.BadRequestError) as caught:
        await proxy.ask(tools=[BASH])
    assert caught.value.response.content == body
    assert len(proxy.vllm.requests) == 1


async def test_too_many_requests_are_waited_out(proxy: Proxy) -> None:
    proxy.vllm.says(refusing(429, b"{}", **{"Retry-After": "0"}), Said(GOOD))
    assert (await proxy.ask(tools=[BASH])).calls == [("bash", {"command": "ls -la"})]


async def test_an_error_in_mid_stream_ends_the_answer_as_an_error(proxy: Proxy) -> None:
    head = b'data: {"id":"1","choices":[{"index":0,"delta":{"content":"Half a "},"finish_reason":null}]}\n\n'
    error = (
        b'data: {"error": {"message": "Internal server error", "type": "InternalServerError", "code": 500}}\n\ndata: [DONE]\n\n'
    )
    proxy.vllm.says(sending(head, error))
    with pytest.raises(openai.APIError):
        await proxy.ask(tools=[BASH])


@pytest.mark.parametrize("cut", [True, False])
async def test_a_stream_that_breaks_off_is_no_answer(proxy: Proxy, cut: bool) -> None:
    head = b'data: {"id":"1","choices":[{"index":0,"delta":{"content":"Half a "},"finish_reason":null}]}\n\n'
    proxy.vllm.says(sending(head, cut=cut))
    with pytest.raises(openai.APIError):
        await proxy.ask(tools=[BASH])


async def test_an_error_before_the_first_text_gets_its_status(proxy: Proxy) -> None:
    error = b'data: {"error": {"message": "too many logs", "type": "BadRequestError", "code": 400}}\n\ndata: [DONE]\n\n'
    proxy.vllm.says(sending(error))
    with pytest.raises(openai.BadRequestError, match="too many logs"):
        await proxy.ask(tools=[BASH])


async def test_a_server_that_does_not_stream_is_read_all_the_same(proxy: Proxy) -> None:
    message = {"role": "assistant", "content": GOOD}
    body = json.dumps({"id": "1", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
    proxy.vllm.says(refusing(200, body))
    assert (await proxy.ask(tools=[BASH])).calls == [("bash", {"command": "ls -la"})]


@pytest.mark.parametrize("mode", ["strip", "field", "keep"])
async def test_thinking_goes_where_the_profile_says(vllm: FakeVllm, start: Start, stream: bool, mode: str) -> None:
    profile = {"name": "gemma-4", "thinking": mode}
    proxy = Proxy(await start(upstream=vllm.url, profile=[profile]), vllm, stream)
    vllm.says("<|channel>thought\nSeven.\n<channel|>It is 7.")
    seen = await proxy.ask(tools=[BASH])
    assert seen.reasoning.strip() == ("Seven." if mode == "field" else "")
    assert ("Seven." in seen.text) is (mode == "keep")
    assert seen.text.endswith("It is 7.")


async def test_requests_without_tools_pass_byte_for_byte(vllm: FakeVllm, start: Start) -> None:
    import aiohttp

    url = await start(upstream=vllm.url)
    vllm.says("<|channel>thought\nx<channel|>A title")
    body = b'{ "model":"gemma-4-26b",  "messages":[{"role":"user","content":"title?"}], "seed": 123456789012345678901 }'
    async with aiohttp.ClientSession() as session:
        headers = {"Content-Type": "application/json"}
        async with session.post(f"{url}/v1/chat/completions", data=body, headers=headers) as relayed:
            through = await relayed.read()
        async with session.post(f"{vllm.url}/v1/chat/completions", data=body, headers=headers) as direct:
            assert through == await direct.read()
    assert vllm.bodies == [body, body]


async def test_requests_without_tools_lose_their_thinking_where_the_profile_says(
    vllm: FakeVllm, start: Start, stream: bool
) -> None:
    proxy = Proxy(await start(upstream=vllm.url, profile=[{"name": "gemma-4", "strip_plain": True}]), vllm, stream)
    vllm.says("<|channel>thought\nx<channel|>A title")
    assert (await proxy.ask()).text == "A title"


async def test_observe_changes_nothing_and_writes_it_down(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Any) -> None:
    proxy = Proxy(await start(upstream=vllm.url, mode="observe", journal=tmp_path), vllm, stream)
    vllm.says(structured("bash", '{"timeout": 3}'))
    assert (await proxy.ask(tools=[BASH])).calls == [("bash", {"timeout": 3})]
    assert "logprobs" not in vllm.requests[0]
    assert len(vllm.requests) == 1


async def test_a_request_may_ask_for_less(proxy: Proxy) -> None:
    proxy.vllm.says(structured("bash", '{"timeout": 3}'))
    seen = await proxy.ask(tools=[BASH], extra_headers={"x-toolmend-mode": "off"})
    assert seen.calls == [("bash", {"timeout": 3})]
    assert len(proxy.vllm.requests) == 1


async def test_hold_shows_nothing_before_the_turn_is_right(vllm: FakeVllm, start: Start) -> None:
    proxy = Proxy(await start(upstream=vllm.url, stream="hold"), vllm, stream=True)
    vllm.says(f"First words.{EMPTY}", f"Second words.{GOOD}")
    seen = await proxy.ask(tools=[BASH])
    assert (seen.text, seen.calls) == ("Second words.", [("bash", {"command": "ls -la"})])


async def test_text_that_was_sent_stands(proxy: Proxy) -> None:
    proxy.vllm.says(f"First words.{EMPTY}", f"Second words.{GOOD}")
    seen = await proxy.ask(tools=[BASH])
    assert seen.text == ("First words." if proxy.stream else "Second words.")
    assert seen.calls == [("bash", {"command": "ls -la"})]


async def test_all_questions_of_a_conversation_name_it_upstream(proxy: Proxy) -> None:
    proxy.vllm.says(EMPTY, GOOD)
    system, first = {"role": "system", "content": "You work."}, {"role": "user", "content": "one"}
    more = [{"role": "assistant", "content": "Done."}, {"role": "user", "content": "and now?"}]
    other = [system, {"role": "user", "content": "two"}]
    for messages in ([system, first], [system, first, *more], [first], [first, *more], other):
        await proxy.ask(messages=messages, tools=[BASH])
    named = [headers["x-toolmend-conversation"] for headers in proxy.vllm.headers]
    again, begun, later, bare, bare_later, another = named  # the first turn took two questions
    assert again == begun == later
    assert bare == bare_later
    assert len({begun, bare, another}) == 3
    assert all(re.fullmatch("[0-9a-f]{16}", each) for each in named)


async def test_a_session_that_the_client_names_passes_as_it_is(proxy: Proxy) -> None:
    proxy.vllm.says(GOOD)
    async with aiohttp.ClientSession(headers={"x-session-id": "mine", "x-toolmend-conversation": "theirs"}) as session:
        body = {"model": MODEL, "messages": [{"role": "user", "content": "go"}], "tools": [BASH], "stream": proxy.stream}
        for mode in ("repair", "off", "observe"):
            headers = {"x-toolmend-mode": mode}
            async with session.post(f"{proxy.url}/v1/chat/completions", json=body, headers=headers) as response:
                assert response.status == 200
                await response.read()
    assert [headers["x-session-id"] for headers in proxy.vllm.headers] == ["mine"] * 3
    named = [headers.get("x-toolmend-conversation") for headers in proxy.vllm.headers]
    assert named[0] not in (None, "theirs")
    assert named[1:] == [None, None]  # what is only relayed is relayed as it came
