"""The model server is asked what it can do: when, in which order, how often; and nobody waits for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from proxy import probe, prober
from proxy.app import SERVERS
from proxy.capabilities import Capabilities, conceded
from proxy.demo.speak import Said, events
from proxy.probe_table import run
from proxy.prober import Prober
from proxy.serve import make_runner
from proxy.services import Services
from proxy.settings import Settings
from tests.conftest import BASH, MODEL, Proxy, listen
from tests.fake_vllm import Answer, FakeVllm, refusing, sending
from tests.proxy.test_constrained import EDIT, NO_MODE, RIGHT, WHOLE

CHAT_ONLY = ["structural_tag", "tool_parser", "strict"]


def obeying(
    parser: str = "gemma4", *, forms: tuple[str, ...] = ("structural_tag", "json_schema"), otherwise: Answer | None = None
) -> Answer:
    """Answer our questions as a server with this tool parser ("none": without one) does that enforces these forms.

    otherwise  what clients are answered
    """

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        said = said_to(body, parser, forms)
        if said is None and otherwise is not None:
            said = otherwise
        if said is None:
            said = Said("Hello!")
        if not isinstance(said, Said):
            return await said(request, body)
        return await sending(*events(said, body))(request, body)  # type: ignore[operator]

    return answer


def said_to(body: dict[str, Any], parser: str, forms: tuple[str, ...]) -> Answer | None:
    """Return what is said to one of our questions; None to any other."""
    if parser == "none" and body.get("tools") and body.get("tool_choice", "auto") != "none":
        return refusing(400, b'{"error": {"message": "\\"auto\\" tool choice requires --enable-auto-tool-choice"}}')
    if "structured_outputs" in body:
        text = json.loads(body["structured_outputs"]["structural_tag"])["format"]["value"]
        return Said(text, calls=() if parser == "none" else [call({"way": parser})])
    if isinstance(body.get("tool_choice"), dict):
        return Said("x", calls=[call({"word": "yes"})])
    if body["messages"][-1]["content"] == "Say hello.":
        enforced = "guided_json" in forms if "guided_json" in body else body["response_format"]["type"] in forms
        return Said('{"ok": true}' if enforced else "Hello!")
    return None


def call(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"id": "a", "function": {"name": "probe", "arguments": json.dumps(arguments)}}


def kinds(vllm: FakeVllm) -> list[str]:
    """Name the chat requests that came: our questions by their names, a client's as `client`."""
    return [kind(body) for body in vllm.requests]


def kind(body: dict[str, Any]) -> str:
    if "structured_outputs" in body:
        return "tool_parser"
    if isinstance(body.get("tool_choice"), dict):
        return "strict"
    if body["messages"][-1]["content"] != "Say hello.":
        return "client"
    return "guided_json" if "guided_json" in body else str(body["response_format"]["type"])


class Running:
    """A toolmend that probes, and what is inside of it."""

    def __init__(self, url: str, services: Services) -> None:
        self.url, self.services = url, services
        self.prober: Prober = services.prober

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.005)

    async def asked(self, model: str = MODEL) -> Capabilities:
        """Wait until a model has been asked."""
        await self.until(lambda: self.prober.of(model).forms != {})
        return self.prober.of(model)


@pytest.fixture
async def begin() -> AsyncIterator[Callable[..., Awaitable[Running]]]:
    """Start toolmend with probing on; it ends with the test."""
    runners: list[web.AppRunner] = []

    async def begin(**settings: Any) -> Running:
        runners.append(make_runner(Settings(**settings)))
        url = await listen(runners[-1])
        return Running(url, runners[-1].app[SERVERS].default)

    yield begin
    for runner in runners:
        await runner.cleanup()


Begin = Callable[..., Awaitable[Running]]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prober, "PAUSES", (0.02, 0.04))


async def post(url: str, headers: dict[str, str] | None = None, **body: Any) -> int:
    asked = {"model": MODEL, "messages": [{"role": "user", "content": "go"}], "tools": [BASH], **body}
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{url}/v1/chat/completions", json=asked, headers=headers) as response:
            await response.read()
            return response.status


async def ready(url: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/readyz") as response:
            return response.status, await response.json()


async def test_five_requests_in_their_order_and_the_first_structured_one_is_harmless(vllm: FakeVllm, begin: Begin) -> None:
    vllm.version = "0.32.0"
    vllm.models = [{"id": MODEL, "owned_by": "vllm", "max_model_len": 8192}]
    vllm.says(obeying())
    with capture_logs() as logs:
        running = await begin(upstream=vllm.url)
        known = await running.asked()
    assert vllm.gets == ["/version", "/v1/models"]
    assert kinds(vllm) == CHAT_ONLY
    assert vllm.requests[0]["response_format"]["format"]["json_schema"]["properties"] == {"ok": {"const": True}}
    assert (known.server, known.version, known.max_model_len) == ("vllm", "0.32.0", 8192)
    assert (known.structural_tag, known.structured_outputs, known.strict, known.tool_parser) == (True, True, True, "gemma4")
    each = [log for log in logs if log["event"] == "probe"]
    summed = [log for log in logs if log["event"] == "capabilities"]
    assert [one["question"] for one in each] == ["version", "models", *CHAT_ONLY]
    assert all(one["status"] == 200 and one["seconds"] >= 0 for one in each)
    assert sum(one.get("tokens", 0) for one in each) == summed[0]["tokens"] > 0


@pytest.mark.parametrize("settings", [{"probe": False}, {"mode": "observe"}, {"mode": "off"}])
async def test_nothing_is_asked_where_nothing_may_be(vllm: FakeVllm, begin: Begin, settings: dict[str, Any]) -> None:
    vllm.says("Hello.")
    running = await begin(upstream=vllm.url, **settings)
    assert (await ready(running.url))[0] == 200
    assert await post(running.url) == 200
    assert (vllm.gets, kinds(vllm)) == (["/v1/models"], ["client"])


async def test_a_server_without_a_tool_parser_is_never_asked_for_calls(vllm: FakeVllm, begin: Begin) -> None:
    vllm.says(obeying("none"))
    running = await begin(upstream=vllm.url)
    known = await running.asked()
    assert (known.tool_parser, known.strict, known.structured_outputs) == ("none", None, True)
    assert kinds(vllm) == ["structural_tag", "tool_parser", "tool_parser"]
    assert await post(running.url) == 200
    assert [body["tool_choice"] for body in vllm.requests[3:]] == ["none"]


async def test_the_ladder_begins_at_the_form_that_is_enforced(vllm: FakeVllm, begin: Begin, stream: bool) -> None:
    vllm.says(obeying(forms=("json_schema",)))
    running = await begin(upstream=vllm.url)
    await running.asked()
    assert kinds(vllm) == ["structural_tag", "json_schema", "strict"]
    vllm.says(NO_MODE, '{"mode": "append"}')
    assert (await Proxy(running.url, vllm, stream).ask(tools=[EDIT])).calls == [RIGHT]
    assert vllm.requests[-1]["response_format"]["type"] == "json_schema"


async def test_what_was_asked_is_not_forgotten(vllm: FakeVllm, begin: Begin) -> None:
    vllm.says(obeying("none", forms=()))
    running = await begin(upstream=vllm.url)
    await running.asked()
    await running.until(lambda: running.services.grammars.forms(MODEL) == [])
    running.services.grammars.now = running.services.memory.now = lambda: 1e12
    assert running.services.grammars.forms(MODEL) == []
    vllm.says(obeying("gemma4"))  # restarted with other flags
    running.prober.lost()
    await running.until(lambda: running.services.grammars.forms(MODEL) != [])
    assert running.services.memory.granted(MODEL) == frozenset()


async def test_a_server_that_ignores_everything_costs_five_requests_and_no_more(vllm: FakeVllm, begin: Begin) -> None:
    vllm.says(obeying(forms=()))
    running = await begin(upstream=vllm.url)
    assert (await running.asked()).forms == {"structural_tag": False, "json_schema": False, "json_object": False}
    assert len(vllm.gets) + len(vllm.requests) == 5
    vllm.says(NO_MODE, WHOLE)
    assert await post(running.url, tools=[EDIT]) == 200
    assert "response_format" not in vllm.requests[-1]  # in words at once


async def test_a_server_without_log_probabilities_is_not_asked_for_them(vllm: FakeVllm, begin: Begin) -> None:
    unborne = refusing(400, b'{"error": {"message": "unsupported parameter: logprobs"}}')

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return await (unborne if "logprobs" in body else obeying())(request, body)  # type: ignore[operator]

    vllm.says(answer)
    running = await begin(upstream=vllm.url)
    known = await running.asked()
    assert (known.logprobs, len(vllm.gets) + len(vllm.requests)) == (False, 5)
    assert await post(running.url) == 200
    assert ["logprobs" in body for body in vllm.requests] == [True, False, False, False]


@pytest.mark.parametrize(
    "garbage", [b"data: [1]\n\n", b"data: {\n\n", b"\xff\xfe", b"", b'data: {"choices": [{"delta": 3}]}\n\n']
)
async def test_garbage_changes_nothing(vllm: FakeVllm, begin: Begin, garbage: bytes) -> None:
    vllm.says(sending(garbage))
    running = await begin(upstream=vllm.url)
    await running.until(lambda: not running.prober.delays_readiness())
    assert running.prober.of(MODEL).tool_parser is None
    vllm.says("Hello.")
    assert await post(running.url) == 200


async def test_a_server_that_knows_none_of_it_is_left_alone(vllm: FakeVllm, begin: Begin) -> None:
    vllm.models = 404
    running = await begin(upstream=vllm.url)
    await running.until(lambda: not running.prober.delays_readiness())
    assert (vllm.gets, vllm.requests) == (["/version", "/v1/models"], [])


async def test_a_slow_server_is_not_waited_for(vllm: FakeVllm, begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "SECONDS", 0.1)

    async def slow(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if kind(body) != "client":
            await asyncio.sleep(30)
        return await sending(*events(Said("Hello."), body))(request, body)  # type: ignore[operator]

    vllm.says(slow)
    with capture_logs() as logs:
        running = await begin(upstream=vllm.url)
        assert await post(running.url) == 200  # meanwhile
        await running.until(lambda: not running.prober.delays_readiness())
        assert await post(running.url) == 200
    assert [log["event"] for log in logs].count("probe failed") == 1
    assert [log["error"] for log in logs if log["event"] == "probe" and "error" in log] == ["no answer in time"]
    assert sorted(kinds(vllm)) == ["client", "client", "structural_tag"]


async def test_a_server_that_is_not_there_yet_is_waited_for(vllm: FakeVllm, begin: Begin) -> None:
    vllm.says(obeying())
    vllm.models = 503  # as llama-server answers while it loads
    running = await begin(upstream=vllm.url)
    await running.until(lambda: len(vllm.gets) >= 6)
    assert vllm.requests == []
    vllm.models = [{"id": MODEL}]
    assert (await running.asked()).structural_tag is True


async def test_a_server_that_cannot_be_reached_is_waited_for(vllm: FakeVllm, begin: Begin) -> None:
    running = await begin(upstream="http://127.0.0.1:9")
    with capture_logs() as logs:
        await asyncio.sleep(0.2)
    assert 2 <= [log["event"] for log in logs].count("probe waits") <= 10
    assert (await ready(running.url))[0] == 502


async def test_a_server_that_comes_back_is_asked_again(vllm: FakeVllm, begin: Begin) -> None:
    vllm.says(obeying())
    running = await begin(upstream=vllm.url)
    await running.asked()

    async def gone(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    vllm.says(gone)
    assert await post(running.url) == 502
    vllm.says(obeying("hermes_json"))
    await running.until(lambda: running.prober.of(MODEL).tool_parser == "hermes_json")


async def test_another_fingerprint_is_followed_once(vllm: FakeVllm, begin: Begin) -> None:
    def printed(name: str) -> Answer:
        async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
            said = said_to(body, "gemma4", ("structural_tag",)) or Said("Hello.")
            assert isinstance(said, Said)
            marked = [each.replace(b'"usage"', f'"system_fingerprint":"{name}","usage"'.encode()) for each in events(said, body)]
            return await sending(*marked)(request, body)  # type: ignore[operator]

        return answer

    vllm.says(printed("vllm-1"))
    running = await begin(upstream=vllm.url)
    assert (await running.asked()).fingerprint == "vllm-1"
    assert await post(running.url) == 200
    vllm.says(printed("vllm-2"))
    assert await post(running.url) == 200
    await running.until(lambda: running.prober.of(MODEL).fingerprint == "vllm-2")
    for name in ("vllm-1", "vllm-2") * 3:  # two servers behind one address
        vllm.says(printed(name))
        assert await post(running.url) == 200
    assert kinds(vllm) == [*CHAT_ONLY, "client", "client", *CHAT_ONLY, *["client"] * 6]


async def test_models_that_would_have_to_be_loaded_are_asked_when_a_client_has_used_them(vllm: FakeVllm, begin: Begin) -> None:
    vllm.models = [{"id": "one", "owned_by": "library"}, {"id": MODEL, "owned_by": "library"}]
    vllm.says(obeying())
    running = await begin(upstream=vllm.url)
    await running.until(lambda: not running.prober.delays_readiness())
    assert vllm.requests == []
    assert await post(running.url) == 200
    assert (await running.asked()).server == "ollama"
    assert await post(running.url) == 200
    assert kinds(vllm) == ["client", "json_schema", "strict", "client"]
    assert {body["model"] for body in vllm.requests} == {MODEL}


async def test_a_name_that_no_answer_came_for_is_never_asked(vllm: FakeVllm, begin: Begin) -> None:
    vllm.says(obeying(otherwise=refusing(404, b'{"error": {"message": "no such model"}}')))
    running = await begin(upstream=vllm.url)
    await running.asked()
    assert await post(running.url, model="another") == 404
    assert kinds(vllm) == [*CHAT_ONLY, "client"]


async def test_another_name_for_the_only_model_is_not_asked_again(vllm: FakeVllm, begin: Begin) -> None:
    vllm.says(obeying("none"))
    running = await begin(upstream=vllm.url)
    known = await running.asked()
    assert await post(running.url, model="default") == 200  # as llama-server takes any
    assert await running.asked("default") == known
    assert await post(running.url, model="default") == 200
    assert kinds(vllm)[3:] == ["client", "client", "client"]  # the first of them was refused
    assert vllm.requests[-1]["tool_choice"] == "none"


async def test_where_a_key_is_wanted_the_first_clients_is_used(vllm: FakeVllm, begin: Begin) -> None:
    vllm.models = 401
    vllm.says(obeying())
    running = await begin(upstream=vllm.url)
    await running.until(lambda: not running.prober.delays_readiness())
    assert (vllm.gets, vllm.requests) == (["/version", "/v1/models"], [])
    vllm.models = [{"id": MODEL, "owned_by": "vllm"}]
    assert await post(running.url, {"Authorization": "Bearer theirs", "X-Session-Id": "s"}) == 200
    await running.asked()
    assert kinds(vllm) == ["client", *CHAT_ONLY]
    assert {headers.get("Authorization") for headers in vllm.headers} == {"Bearer theirs"}
    assert [headers.get("X-Session-Id") for headers in vllm.headers] == ["s", None, None, None]


async def test_a_key_of_our_own_is_used_and_a_clients_is_not(vllm: FakeVllm, begin: Begin) -> None:
    vllm.says(obeying())
    running = await begin(upstream=vllm.url, upstream_key="ours")
    await running.asked()
    assert {headers["Authorization"] for headers in vllm.headers} == {"Bearer ours"}


async def test_a_server_that_keeps_its_list_to_itself_is_not_pestered(vllm: FakeVllm, begin: Begin) -> None:
    vllm.models = 403
    vllm.says(obeying())
    running = await begin(upstream=vllm.url)
    for _ in range(6):
        await running.until(lambda: not running.prober.delays_readiness())
        assert await post(running.url) == 200
    await asyncio.sleep(0.05)
    assert len(vllm.gets) <= 6
    assert set(kinds(vllm)) == {"client"}


async def test_readiness_waits_for_the_questions_and_not_for_ever(
    vllm: FakeVllm, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = asyncio.Event()

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if kind(body) != "client":
            await held.wait()
        return await obeying()(request, body)  # type: ignore[operator]

    vllm.says(answer)
    running = await begin(upstream=vllm.url)
    status, said = await ready(running.url)
    assert (status, said["error"]["code"]) == (503, "probing")
    assert await post(running.url) == 200  # served all the same
    monkeypatch.setattr(prober, "READY_SECONDS", 0.0)
    assert (await ready(running.url))[0] == 200
    monkeypatch.undo()
    held.set()
    await running.asked()
    await running.until(lambda: not running.prober.delays_readiness())
    assert (await ready(running.url))[0] == 200


async def test_thoughts_that_a_server_sets_apart_are_noticed_in_passing(vllm: FakeVllm, begin: Begin) -> None:
    thinking = sending(
        b'data: {"choices": [{"delta": {"reasoning": "hm"}}]}\n\n',
        b'data: {"choices": [{"delta": {"content": "Hello."}, "finish_reason": "stop"}]}\n\n',
        b"data: [DONE]\n\n",
    )
    vllm.says(obeying(otherwise=thinking))
    running = await begin(upstream=vllm.url)
    assert (await running.asked()).reasoning_parser is None
    await running.until(lambda: not running.prober.delays_readiness())
    assert await post(running.url) == 200
    assert running.prober.of(MODEL).reasoning_parser == "yes"


async def test_the_command_prints_what_it_finds(vllm: FakeVllm, capsys: pytest.CaptureFixture[str]) -> None:
    vllm.models = [{"id": MODEL, "owned_by": "vllm", "max_model_len": 8192}]
    vllm.says(obeying("hermes_json"))
    assert await asyncio.to_thread(run, Settings(upstream=vllm.url), None) == 0
    lines = dict(line.rsplit("  ", 1) for line in capsys.readouterr().out.splitlines())
    shown = {name.strip(): value.strip() for name, value in lines.items()}
    assert (shown["tool parser"], shown["strict"], shown["version"]) == ("hermes_json", "yes", "not known")
    assert (shown["form structural tag"], shown["max model len"]) == ("yes", "8192")
    assert await asyncio.to_thread(run, Settings(upstream="http://127.0.0.1:9"), None) == 1
    vllm.models = [{"id": "one"}, {"id": "two"}]
    assert await asyncio.to_thread(run, Settings(upstream=vllm.url), None) == 1
    assert "--model" in capsys.readouterr().out


async def test_what_somebody_else_has_asked_is_taken_and_nothing_is_asked(vllm: FakeVllm) -> None:
    runner = make_runner(Settings(upstream=vllm.url, probe=False))
    url = await listen(runner)
    vllm.says(Said("hello"))
    known = Capabilities(server="vllm", logprobs=False)
    services = runner.app[SERVERS].default
    services.prober.take(MODEL, known, conceded(known))
    assert services.prober.of(MODEL) == known
    await Proxy(url, vllm, stream=False).ask(tools=[BASH])
    assert "logprobs" not in vllm.requests[0]
    assert kinds(vllm) == ["client"]
    await runner.cleanup()
