"""How answers end, on good days and bad ones: nothing is lost, and nothing looks complete that is not."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import struct
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest
from aiohttp import web

from proxy.demo.speak import Said, events, whole
from proxy.settings import Budget, Limits
from tests.conftest import BASH, MODEL, Proxy, Start
from tests.fake_vllm import FakeVllm, refusing, sending
from tests.proxy.test_exchange import written
from tests.reliability.hostile import hostile

GOOD = '<|tool_call>call:bash{command:<|"|>ls -la<|"|>}<tool_call|>'
EMPTY = "<|tool_call>call:bash{}<tool_call|>"
ASK = {"model": MODEL, "messages": [{"role": "user", "content": "go"}], "tools": [BASH]}


def structured(*arguments: str) -> Said:
    return Said(
        calls=[
            {"id": f"s{at}", "type": "function", "function": {"name": "bash", "arguments": each}}
            for at, each in enumerate(arguments)
        ]
    )


async def test_prose_of_a_second_answer_is_not_lost(proxy: Proxy) -> None:
    proxy.vllm.says(f"Let me look.{EMPTY}", "I cannot know which command you mean.")
    assert (await proxy.ask(tools=[BASH])).text.endswith("I cannot know which command you mean.")


async def test_a_call_that_no_client_survives_is_shown_and_good_ones_are_kept(proxy: Proxy) -> None:
    proxy.vllm.says(Said(calls=structured('{"command": 5.5}').calls, raw=""))
    seen = await proxy.ask(tools=[BASH])
    assert seen.calls == []
    assert "5.5" in seen.text
    proxy.vllm.says(structured('{"command": "ls"}', '{"command": 5.5}'))
    assert (await proxy.ask(tools=[BASH])).calls == [("bash", {"command": "ls"})]
    proxy.vllm.says(structured('{"command": "ls", "timeout": "soon"}'))
    assert (await proxy.ask(tools=[BASH])).calls == [("bash", {"command": "ls", "timeout": "soon"})]


@pytest.mark.parametrize("finish", ["content_filter", "abort"])
async def test_the_servers_reason_is_told(proxy: Proxy, finish: str) -> None:
    proxy.vllm.says(Said("Half an answer", finish=finish))
    assert (await proxy.ask(tools=[BASH])).finish == finish


async def test_an_endless_answer_is_cut_and_says_so(vllm: FakeVllm, start: Start, stream: bool) -> None:
    proxy = Proxy(await start(upstream=vllm.url, limits=Limits(argument_bytes=1000), budget=Budget(asks=1)), vllm, stream)
    vllm.says(Said("na " * 2000))
    seen = await proxy.ask(tools=[BASH])
    assert seen.finish == "length"
    assert len(seen.text) < 3000
    vllm.says(structured(*['{"command": "x"}'] * 200))
    assert len((await proxy.ask(tools=[BASH])).calls) == 0


async def test_a_limit_of_the_profile_counts(vllm: FakeVllm, start: Start, stream: bool) -> None:
    profile = {"name": "gemma-4", "request": {"max_tokens": 1}}
    proxy = Proxy(await start(upstream=vllm.url, profile=[profile]), vllm, stream)
    vllm.says(Said(GOOD[:-20], finish="tool_calls"))
    seen = await proxy.ask(tools=[BASH])
    assert (seen.calls, seen.finish) == ([], "length")
    assert "not executed" in seen.text


async def test_a_slow_first_answer_may_still_be_asked_again(vllm: FakeVllm, start: Start, stream: bool) -> None:
    proxy = Proxy(await start(upstream=vllm.url, budget=Budget(seconds=2)), vllm, stream)
    vllm.pause = 0.05
    vllm.says("word " * 40 + "<tool_call>\n{{bash\n</tool_call>", GOOD)
    assert (await proxy.ask(tools=[BASH])).calls == [("bash", {"command": "ls -la"})]
    assert "max_tokens" not in vllm.requests[1]


async def test_usage_of_a_broken_second_answer_counts(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path), vllm, stream)
    asked = {"logprobs": True, "stream_options": {"include_usage": True}, "model": MODEL}
    half = b"".join(list(events(Said("word " * 20), asked))[:15])
    vllm.says(EMPTY, sending(half))
    seen = await proxy.ask(tools=[BASH])
    assert seen.calls == [("bash", {})]
    alone = len([each for each in events(Said(EMPTY), asked)]) - 4
    assert seen.usage.completion_tokens > alone


async def test_a_429_inside_a_stream_is_no_429_for_the_client(proxy: Proxy) -> None:
    proxy.vllm.says(sending(b'data: {"error": {"message": "slow down", "code": 429}}\n\ndata: [DONE]\n\n'))
    with pytest.raises(openai.InternalServerError) as caught:
        await proxy.ask(tools=[BASH])
    assert caught.value.status_code == 503


@pytest.mark.parametrize("after", ["inf", "nan", "-5", "soon"])
async def test_a_hostile_retry_after_is_waited_out_shortly(proxy: Proxy, after: str) -> None:
    proxy.vllm.says(refusing(429, b"{}", **{"Retry-After": after}), Said(GOOD))
    assert (await proxy.ask(tools=[BASH])).calls


async def test_an_error_page_becomes_an_error_event(vllm: FakeVllm, start: Start) -> None:
    proxy = Proxy(await start(upstream=vllm.url, limits=Limits(heartbeat_after_seconds=0.05)), vllm, stream=True)

    async def late(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
        import asyncio

        await asyncio.sleep(0.3)
        return web.Response(status=502, body=b"<html>\n<h1>Bad\r\nGateway</h1></html>", content_type="text/html")

    vllm.says(late)
    with pytest.raises(openai.APIError, match="502"):
        await proxy.ask(tools=[BASH])


async def test_done_ends_an_answer_though_the_server_keeps_talking_to_nobody(vllm: FakeVllm, start: Start, stream: bool) -> None:
    import asyncio

    proxy = Proxy(await start(upstream=vllm.url, limits=Limits(idle_seconds=3)), vllm, stream)

    async def lingering(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for event in events(Said(GOOD), asked):
            await response.write(event)
        await asyncio.sleep(30)
        return response

    vllm.says(lingering)
    async with asyncio.timeout(2.5):
        assert (await proxy.ask(tools=[BASH])).calls == [("bash", {"command": "ls -la"})]


async def test_half_a_character_in_an_argument_breaks_nothing(proxy: Proxy) -> None:
    proxy.vllm.says(structured('{"command": "echo \\ud83d", "timeout": "5"}'))
    assert (await proxy.ask(tools=[BASH])).calls == [("bash", {"command": "echo \ud83d", "timeout": 5})]


@pytest.mark.parametrize("mode", ["off", "observe"])
async def test_a_relayed_answer_that_takes_too_long_has_no_proper_end(vllm: FakeVllm, start: Start, mode: str) -> None:
    url = await start(upstream=vllm.url, mode=mode, limits=Limits(stream_seconds=0.3))
    vllm.says(Said("word " * 100))
    vllm.pause = 0.05
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{url}/v1/chat/completions", json={**ASK, "stream": True}) as response:
            with pytest.raises(aiohttp.ClientError):
                await response.read()


@pytest.mark.parametrize("mode", ["off", "observe", "repair"])
async def test_a_reset_is_not_the_end_of_a_relayed_answer_without_a_length(start: Start, mode: str) -> None:
    async def reset(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: {}\n\n")
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with hostile(reset) as server:
        url = await start(upstream=server.url, mode=mode)
        body = {**ASK, "stream": True, "tools": [BASH] if mode == "observe" else []}
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{url}/v1/chat/completions", json=body) as answer:
                assert answer.status == 200
                with pytest.raises(aiohttp.ClientError):
                    await answer.read()


@pytest.mark.parametrize("mode", ["off", "observe"])
async def test_a_close_is_the_end_of_a_relayed_answer_without_a_length(start: Start, mode: str) -> None:
    async with hostile(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: {}\n\n") as server:
        url = await start(upstream=server.url, mode=mode)
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{url}/v1/chat/completions", json={**ASK, "stream": True}) as answer:
                assert await answer.read() == b"data: {}\n\n"


async def test_a_complaint_about_the_clients_own_wish_is_its_own(proxy: Proxy) -> None:
    complaint = b'{"error": {"message": "logprobs of 50 are not supported", "type": "BadRequestError", "code": 400}}'
    proxy.vllm.says(refusing(400, complaint))
    with pytest.raises(openai.BadRequestError):
        await proxy.ask(tools=[BASH], logprobs=True, top_logprobs=20)
    proxy.vllm.says(refusing(400, complaint), Said(GOOD))
    assert (await proxy.ask(tools=[BASH])).calls
    assert "logprobs" not in proxy.vllm.requests[-1]


async def test_images_in_a_text_protocol_reach_the_model(proxy: Proxy) -> None:
    from tests.adapters.clients.openhands_prompt import request

    body = request()
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    body["messages"].append({"role": "user", "content": [{"type": "text", "text": "See"}, image]})
    proxy.vllm.says("I see.")
    await proxy.ask(**{name: value for name, value in body.items() if name != "model"})
    assert "image_url" in json.dumps(proxy.vllm.requests[0])


async def test_no_secret_is_in_a_traceback(vllm: FakeVllm, start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    from proxy.serve import configure_logs

    configure_logs()
    try:
        import structlog

        def fails(secret: str) -> None:
            raise ValueError("ours")

        try:
            fails("sk-verysecret")
        except ValueError:
            structlog.get_logger().exception("unhandled")
        line = capsys.readouterr().out
        assert json.loads(line)["event"] == "unhandled"
        assert "verysecret" not in line
    finally:
        structlog.reset_defaults()
        logging.captureWarnings(False)


@pytest.mark.parametrize("host", ["LOCALHOST:8900", "localhost.", "[::1]:80", "127.0.0.1", "::1"])
async def test_every_name_of_this_machine_is_answered(vllm: FakeVllm, start: Start, host: str) -> None:
    url = await start(upstream=vllm.url)
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/healthz", headers={"Host": host}) as response:
            assert response.status == 200


async def test_a_call_with_cut_text_behind_it_is_not_executed(proxy: Proxy) -> None:
    proxy.vllm.says(Said(f"{GOOD}and then it", finish="length"))
    assert (await proxy.ask(tools=[BASH])).calls == []
    proxy.vllm.says(Said(f"{GOOD}and that is all."))
    assert (await proxy.ask(tools=[BASH])).calls == [("bash", {"command": "ls -la"})]


async def test_the_seconds_of_an_attempt_begin_with_its_question(
    vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path
) -> None:
    async def slowly(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        await asyncio.sleep(0.2)
        return web.json_response(whole(Said('<|tool_call>call:bash{command:<|"|>ls<|"|>}<tool_call|>'), body))

    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path), vllm, stream)
    vllm.says(EMPTY, slowly)
    assert (await proxy.ask(tools=[BASH])).calls == [("bash", {"command": "ls"})]
    assert (await written(tmp_path))["attempts"][1]["seconds"] > 0.19
