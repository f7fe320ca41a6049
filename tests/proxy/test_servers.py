"""Several model servers behind one toolmend: each model's requests go to its own, and none hears of another's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import openai
import pytest
from aiohttp import web
from pydantic import ValidationError

from proxy.app import SERVERS
from proxy.demo.speak import Said
from proxy.serve import make_runner
from proxy.settings import ServerTable, Settings
from tests.conftest import BASH, MODEL, Proxy, Start, listen
from tests.fake_vllm import FakeVllm, refusing

CALL = '<tool_call>{"name": "bash", "arguments": {"command": "ls"}}</tool_call>'


@pytest.fixture
async def qwen() -> AsyncIterator[FakeVllm]:
    """A second fake vLLM, which serves another model."""
    fake = FakeVllm(models=[{"id": "Qwen/Qwen3.5-9B", "object": "model", "max_model_len": 4096}])
    runner = web.AppRunner(fake.app(), handler_cancellation=True, access_log=None)
    fake.url = await listen(runner)
    yield fake
    await runner.cleanup()


def behind(url: str, *models: str, key: str | None = None) -> ServerTable:
    return ServerTable(url=url, models=models or ("qwen*",), key_variable=key)


async def got(url: str, **headers: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        return response.status, await response.json()


@pytest.mark.parametrize("mode", ["repair", "observe", "off"])
async def test_each_model_is_asked_where_it_is_served(
    vllm: FakeVllm, qwen: FakeVllm, start: Start, stream: bool, mode: str
) -> None:
    proxy = Proxy(await start(upstream=vllm.url, server=(behind(qwen.url),), mode=mode), vllm, stream)
    vllm.says("I am Gemma")
    qwen.says("I am Qwen")
    assert (await proxy.ask(model="Qwen/Qwen3.5-9B", tools=[BASH])).text == "I am Qwen"
    assert (await proxy.ask(model="qwen-x")).text == "I am Qwen"
    assert (await proxy.ask(tools=[BASH])).text == "I am Gemma"
    assert (await proxy.ask(model="nobody-knows")).text == "I am Gemma"
    assert [each["model"] for each in qwen.requests] == ["Qwen/Qwen3.5-9B", "qwen-x"]
    assert [each["model"] for each in vllm.requests] == [MODEL, "nobody-knows"]


async def test_what_is_asked_again_goes_to_the_same_server(vllm: FakeVllm, qwen: FakeVllm, start: Start, stream: bool) -> None:
    proxy = Proxy(await start(upstream=vllm.url, server=(behind(qwen.url),)), vllm, stream)
    qwen.says(Said(CALL.replace("command", "order")), Said(CALL))
    vllm.says("never")
    assert (await proxy.ask(model="qwen-x", tools=[BASH])).calls == [("bash", {"command": "ls"})]
    assert len(qwen.requests) > 1
    assert vllm.requests == []


async def test_what_one_server_does_not_bear_is_not_held_against_another(
    vllm: FakeVllm, qwen: FakeVllm, start: Start, stream: bool
) -> None:
    proxy = Proxy(await start(upstream=vllm.url, server=(behind(qwen.url),)), vllm, stream)
    qwen.says(refusing(400, b'{"error": {"message": "logprobs is not supported"}}'), Said("Hello."))
    vllm.says("Hello.")
    await proxy.ask(model="qwen-x", tools=[BASH])
    await proxy.ask(tools=[BASH])
    assert "logprobs" not in qwen.requests[-1]
    assert vllm.requests[-1]["logprobs"] is True


async def test_keys_go_to_their_own_server_only(vllm: FakeVllm, qwen: FakeVllm, start: Start, stream: bool) -> None:
    settings = {"upstream_key": "canary-gemma", "server_keys": {"QWEN_KEY": "canary-qwen"}}
    proxy = Proxy(await start(upstream=vllm.url, server=(behind(qwen.url, key="QWEN_KEY"),), **settings), vllm, stream)
    vllm.says("Hello.")
    qwen.says("Hello.")
    await proxy.ask(tools=[BASH])
    await proxy.ask(model="qwen-x", tools=[BASH])
    assert [each["Authorization"] for each in vllm.headers] == ["Bearer canary-gemma"]
    assert [each["Authorization"] for each in qwen.headers] == ["Bearer canary-qwen"]


def test_a_key_that_is_not_there_is_asked_for_at_start() -> None:
    with pytest.raises(ValidationError, match='the variable QWEN_KEY, which holds the key of "http://b", is not set'):
        Settings(upstream="http://a", server=(behind("http://b", key="QWEN_KEY"),))


async def test_all_models_are_one_list(vllm: FakeVllm, qwen: FakeVllm, start: Start) -> None:
    vllm.models = [{"id": MODEL, "object": "model", "root": "x"}, {"id": "qwen-that-nobody-can-ask-here", "object": "model"}]
    url = await start(upstream=vllm.url, server=(behind(qwen.url),))
    status, listed = await got(f"{url}/v1/models")
    assert (status, listed["object"]) == (200, "list")
    assert listed["data"] == [
        {"id": MODEL, "object": "model", "root": "x"},
        {"id": "Qwen/Qwen3.5-9B", "object": "model", "max_model_len": 4096},
    ]
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k") as client:
        assert [each.id async for each in client.models.list()] == [MODEL, "Qwen/Qwen3.5-9B"]


async def test_a_server_that_is_away_takes_nothing_from_the_others(vllm: FakeVllm, start: Start, stream: bool) -> None:
    url = await start(upstream=vllm.url, server=(behind("http://127.0.0.1:9"),))
    status, listed = await got(f"{url}/v1/models")
    assert (status, [each["id"] for each in listed["data"]]) == (200, [MODEL])
    assert await got(f"{url}/readyz") == (200, {"status": "ready"})
    vllm.says("Hello.")
    assert (await Proxy(url, vllm, stream).ask(tools=[BASH])).text == "Hello."
    with pytest.raises(openai.InternalServerError, match=r"cannot reach the model server at http://127\.0\.0\.1:9 "):
        await Proxy(url, vllm, stream).ask(model="qwen-x", tools=[BASH])


async def test_where_all_are_away_the_first_ones_fault_is_told(start: Start) -> None:
    url = await start(upstream="http://127.0.0.1:9", server=(behind("http://127.0.0.1:10"),))
    for path in ("v1/models", "readyz"):
        status, answer = await got(f"{url}/{path}")
        assert status == 502
        assert "http://127.0.0.1:9 " in answer["error"]["message"]


async def test_a_list_that_is_none_is_left_out(vllm: FakeVllm, qwen: FakeVllm, start: Start) -> None:
    vllm.models = 401
    url = await start(upstream=vllm.url, server=(behind(qwen.url),))
    _, listed = await got(f"{url}/v1/models")
    assert [each["id"] for each in listed["data"]] == ["Qwen/Qwen3.5-9B"]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"model": "qwen-x", "prompt": "\\u00e9", "n": 12345678901234567890123}', "qwen"),
        (b'{"prompt": "x", "model": "gemma"}', "gemma"),
        (b'{"prompt": "x"}', "gemma"),
        (b'{"model": ["qwen"]}', "gemma"),
        (b"{" * 9, "gemma"),
        (b"[" * 100_000, "gemma"),
    ],
)
async def test_relayed_routes_go_by_the_model_and_stay_as_they_are(
    vllm: FakeVllm, qwen: FakeVllm, start: Start, body: bytes, where: str
) -> None:
    url = await start(upstream=vllm.url, server=(behind(qwen.url),))
    async with aiohttp.ClientSession(headers={"Content-Type": "application/json"}) as session:
        async with session.post(f"{url}/v1/completions", data=body) as response:
            assert await response.read() == body
    assert (qwen.bodies, vllm.bodies) == (([body], []) if where == "qwen" else ([], [body]))


async def test_the_first_pattern_that_matches_decides(vllm: FakeVllm, qwen: FakeVllm, start: Start, stream: bool) -> None:
    servers = (behind(qwen.url, "acme/*", "q?en*"), behind(vllm.url, "*"))
    proxy = Proxy(await start(upstream="http://127.0.0.1:9", server=servers), vllm, stream)
    vllm.says("other")
    qwen.says("mine")
    said = [(await proxy.ask(model=model)).text for model in ("ACME/coder", "x/Qwen3", "acme", "queen")]
    assert said == ["mine", "mine", "other", "other"]


async def test_each_server_is_asked_what_it_can_do(vllm: FakeVllm, qwen: FakeVllm) -> None:
    vllm.says("Hello!")
    qwen.says("Hello!")
    runner = make_runner(Settings(upstream=vllm.url, server=(behind(qwen.url),)))
    try:
        url = await listen(runner)
        async with asyncio.timeout(10):
            while any(each.prober.delays_readiness() for each in runner.app[SERVERS].all):
                await asyncio.sleep(0.01)
        first, second = runner.app[SERVERS].all
        assert first.prober.of("qwen-x").models == ()
        assert second.prober.of("Qwen/Qwen3.5-9B").models == ("Qwen/Qwen3.5-9B",)
        assert first.prober.of(MODEL).models == (MODEL,)
        assert (await got(f"{url}/readyz"))[0] == 200
    finally:
        await runner.cleanup()


async def test_readiness_waits_until_a_server_has_been_asked(vllm: FakeVllm, qwen: FakeVllm) -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def slowly(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        asked.set()
        await go.wait()
        return web.json_response({}, status=500)

    vllm.says("Hello!")
    qwen.says(slowly)
    runner = make_runner(Settings(upstream=vllm.url, server=(behind(qwen.url),)))
    try:
        url = await listen(runner)
        await asyncio.wait_for(asked.wait(), 10)
        status, answer = await got(f"{url}/readyz")
        assert (status, answer["error"]["code"]) == (503, "probing")
        go.set()
        async with asyncio.timeout(10):
            while (await got(f"{url}/readyz"))[0] != 200:
                await asyncio.sleep(0.01)
    finally:
        go.set()
        await runner.cleanup()
