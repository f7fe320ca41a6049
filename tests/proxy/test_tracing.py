"""Traces: what a collector gets over OTLP, on the wire, of each kind of request."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import openai
import pytest
from aiohttp import web
from click.testing import CliRunner
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from structlog.testing import capture_logs

from proxy import tracing
from proxy.cli import toolmend
from proxy.demo.speak import Said
from proxy.serve import make_runner
from proxy.settings import ServerTable, Settings
from tests.conftest import BASH, MODEL, Proxy, listen
from tests.fake_vllm import FakeVllm, refusing, sending

GOOD = '<|tool_call>call:bash{command:<|"|>ls<|"|>}<tool_call|>'
WORDY = '<|tool_call>call:bash{command:<|"|>ls<|"|>,timeout:<|"|>5<|"|>}<tool_call|>'
MISSING = "<|tool_call>call:bash{timeout:5}<tool_call|>"
SECRET = "canary-7f3a"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def value_of(value: AnyValue) -> Any:
    if value.WhichOneof("value") == "array_value":
        return [value_of(each) for each in value.array_value.values]
    return getattr(value, value.WhichOneof("value") or "string_value")


def told(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {each.key: value_of(each.value) for each in pairs}


@dataclass
class Collector:
    """Takes traces as any collector does. `status`: of its answers."""

    url: str = ""
    status: int = 200
    hangs: bool = False
    raw: list[bytes] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        if self.hangs:
            await asyncio.sleep(60)
        self.raw.append(await request.read())
        self.asked.append(dict(request.headers))
        return web.Response(status=self.status)

    @property
    def resources(self) -> list[dict[str, Any]]:
        return [told(each.resource.attributes) for part in self._parts() for each in part.resource_spans]

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for part in self._parts()
            for resource in part.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def _parts(self) -> Iterable[ExportTraceServiceRequest]:
        return map(ExportTraceServiceRequest.FromString, self.raw)

    def of(self, kind: int) -> list[Span]:
        return sorted((each for each in self.spans if each.kind == kind), key=lambda each: each.start_time_unix_nano)

    @property
    def request(self) -> Span:
        """The span of the only request."""
        (span,) = self.of(Span.SPAN_KIND_SERVER)
        return span

    @property
    def questions(self) -> list[Span]:
        return self.of(Span.SPAN_KIND_CLIENT)


@pytest.fixture
async def collector(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Collector]:
    for name in os.environ:
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)
    found = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", found.take)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    found.url = await listen(runner)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
    yield found
    await runner.cleanup()


class traced:
    """Toolmend, tracing. What it traced has been sent when the block ends."""

    def __init__(self, vllm: FakeVllm, stream: bool, **settings: Any) -> None:
        self._runner = make_runner(Settings(upstream=vllm.url, probe=False, otel=True, **settings))
        self._vllm, self._stream = vllm, stream

    async def __aenter__(self) -> Proxy:
        return Proxy(await listen(self._runner), self._vllm, self._stream)

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


async def test_a_turn_is_a_span_and_each_question_one_below_it(collector: Collector, vllm: FakeVllm, stream: bool) -> None:
    vllm.says(MISSING, GOOD)
    async with traced(vllm, stream) as proxy:
        seen = await proxy.ask(tools=[BASH])
    request, (first, second) = collector.request, collector.questions
    about = told(request.attributes)
    assert request.name == "POST /v1/chat/completions"
    assert about["http.request.method"] == "POST"
    assert about["http.route"] == about["url.path"] == "/v1/chat/completions"
    assert about["http.response.status_code"] == 200
    assert "error.type" not in about
    assert about["toolmend.turn"] == seen.headers["x-toolmend-turn"]
    assert (about["toolmend.outcome"], about["toolmend.fault"]) == ("asked-again", "model-arguments")
    assert about["toolmend.reason"] == "missing-arguments"
    assert about["toolmend.questions"] == 2
    assert about["toolmend.profile"] == "gemma-4"
    assert {first.trace_id, second.trace_id} == {request.trace_id}
    assert {first.parent_span_id, second.parent_span_id} == {request.span_id}
    assert request.start_time_unix_nano <= first.start_time_unix_nano <= first.end_time_unix_nano <= second.start_time_unix_nano
    assert second.end_time_unix_nano <= request.end_time_unix_nano
    answers = [told(each.attributes) for each in (first, second)]
    for each, span in zip(answers, (first, second), strict=True):
        assert span.name == f"chat {MODEL}"
        assert each["gen_ai.operation.name"] == "chat"
        assert each["gen_ai.request.model"] == MODEL
        assert each["gen_ai.response.finish_reasons"] == ["stop"]
        assert each["gen_ai.response.model"] == MODEL
        assert each["gen_ai.usage.output_tokens"] > 0
        assert each["http.response.status_code"] == 200
        assert each["server.address"] == "127.0.0.1"
        assert str(each["server.port"]) == vllm.url.rpartition(":")[2]
    assert answers[0]["toolmend.rung"] == "first"
    assert answers[0]["toolmend.problem"] == "missing-arguments"
    assert answers[1]["toolmend.rung"] != "first"
    assert "toolmend.problem" not in answers[1]
    assert sum(each["gen_ai.usage.output_tokens"] for each in answers) == seen.usage.completion_tokens


async def test_the_clients_trace_goes_on_through_us(collector: Collector, vllm: FakeVllm, stream: bool) -> None:
    vllm.says(GOOD)
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1"}
    async with traced(vllm, stream) as proxy:
        await proxy.ask(tools=[BASH], extra_headers=headers)
    request, (question,) = collector.request, collector.questions
    assert request.trace_id.hex() == question.trace_id.hex() == TRACE
    assert request.parent_span_id.hex() == PARENT
    got = vllm.headers[-1]
    assert got["traceparent"] == f"00-{TRACE}-{question.span_id.hex()}-01"
    assert got["tracestate"] == "vendor=1"


async def test_a_client_that_does_not_sample_is_not_traced(collector: Collector, vllm: FakeVllm, stream: bool) -> None:
    vllm.says(GOOD)
    async with traced(vllm, stream) as proxy:
        await proxy.ask(tools=[BASH], extra_headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
    assert collector.spans == []
    assert vllm.headers[-1]["traceparent"].startswith(f"00-{TRACE}-")
    assert vllm.headers[-1]["traceparent"].endswith("-00")


@pytest.mark.parametrize("given", ["", "00-0-0-01", f"00-{TRACE}-{PARENT}-01" * 40, "ff" * 30])
async def test_a_broken_traceparent_begins_a_trace_of_our_own(
    collector: Collector, vllm: FakeVllm, stream: bool, given: str
) -> None:
    vllm.says(GOOD)
    async with traced(vllm, stream) as proxy:
        assert (await proxy.ask(tools=[BASH], extra_headers={"traceparent": given})).calls
    assert collector.request.parent_span_id == b""


async def test_without_tracing_the_clients_headers_pass_as_they_are(vllm: FakeVllm, proxy: Proxy) -> None:
    vllm.says(GOOD)
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1"}
    await proxy.ask(tools=[BASH], extra_headers=headers)
    assert {name: vllm.headers[-1][name] for name in headers} == headers


async def test_no_text_of_anybody_is_in_a_trace(collector: Collector, vllm: FakeVllm, stream: bool) -> None:
    vllm.says(f'<|tool_call>call:bash{{timeout:5,note:<|"|>{SECRET}<|"|>}}<tool_call|>', WORDY.replace("ls", SECRET), SECRET)
    async with traced(vllm, stream, upstream_key=SECRET) as proxy:
        await proxy.ask(f"say {SECRET}", tools=[BASH], extra_headers={"authorization": f"Bearer {SECRET}"})
        vllm.says(refusing(400, f'{{"error": {{"message": "no {SECRET}", "code": "{SECRET}"}}}}'.encode()))
        with pytest.raises(openai.BadRequestError):
            await proxy.ask(f"say {SECRET}", tools=[BASH])
    assert len(collector.of(Span.SPAN_KIND_SERVER)) == 2
    assert SECRET.encode() not in b"".join(collector.raw)


async def test_a_refused_question_is_an_error_with_its_code(collector: Collector, vllm: FakeVllm, stream: bool) -> None:
    vllm.says(refusing(500, b'{"error": {"message": "no"}}'))
    async with traced(vllm, stream) as proxy:
        with pytest.raises(openai.InternalServerError):
            await proxy.ask(tools=[BASH])
    request, (question,) = collector.request, collector.questions
    assert request.status.code == question.status.code == Status.STATUS_CODE_ERROR
    assert told(question.attributes)["error.type"] == "upstream_refused"
    assert told(question.attributes)["http.response.status_code"] == 500
    assert told(request.attributes)["error.type"] == "500"
    assert told(request.attributes)["toolmend.outcome"] == "error"


async def test_an_answer_that_breaks_off_is_an_error(collector: Collector, vllm: FakeVllm, stream: bool) -> None:
    vllm.says(sending(b'data: {"choices": [{"index": 0, "delta": {"content": "Hel"}}]}\n\n', cut=True))
    async with traced(vllm, stream) as proxy:
        with pytest.raises((openai.APIError, AssertionError)):
            await proxy.ask(tools=[BASH])
    (question,) = collector.questions
    assert told(question.attributes)["error.type"] == "upstream_broken"
    assert told(question.attributes)["http.response.status_code"] == 200


async def test_a_client_that_goes_ends_its_spans(collector: Collector, vllm: FakeVllm, stream: bool) -> None:
    vllm.says(Said("word " * 100))
    vllm.pause = 0.05
    async with traced(vllm, stream) as proxy:
        asking = asyncio.create_task(proxy.ask(tools=[BASH]))
        while not vllm.live:
            await asyncio.sleep(0.01)
        asking.cancel()
        while vllm.live:
            await asyncio.sleep(0.01)
    request, (question,) = collector.request, collector.questions
    assert told(request.attributes)["error.type"] == "aborted"
    assert told(request.attributes)["toolmend.outcome"] == "aborted"
    assert "http.response.status_code" not in told(request.attributes)
    assert told(question.attributes)["error.type"] == "CancelledError"


async def test_an_observed_turn_has_the_same_spans(collector: Collector, vllm: FakeVllm, stream: bool) -> None:
    vllm.says(WORDY)
    async with traced(vllm, stream, mode="observe") as proxy:
        await proxy.ask(tools=[BASH])
    about, (question,) = told(collector.request.attributes), collector.questions
    assert (about["toolmend.mode"], about["toolmend.outcome"]) == ("observe", "as-is")
    assert told(question.attributes)["gen_ai.usage.output_tokens"] > 0
    assert question.name == f"chat {MODEL}"


async def test_what_is_relayed_is_traced_without_a_turn(collector: Collector, vllm: FakeVllm, stream: bool) -> None:
    vllm.says(GOOD)
    async with traced(vllm, stream) as proxy, aiohttp.ClientSession() as session:
        await proxy.ask(tools=[BASH], extra_headers={"x-toolmend-mode": "off"})
        async with session.post(f"{proxy.url}/openhands/v1/embeddings?a={SECRET}", json={"input": "x"}) as answer:
            assert answer.status == 200
        for path in ("/healthz", "/readyz", "/nothing"):
            async with session.get(proxy.url + path) as answer:
                await answer.read()
    relayed, other = collector.of(Span.SPAN_KIND_SERVER)
    assert "toolmend.turn" not in told(relayed.attributes)
    assert told(other.attributes)["http.route"] == "/v1/embeddings"
    assert told(other.attributes)["url.path"] == "/openhands/v1/embeddings"
    assert [each.name for each in collector.questions] == ["chat", "POST /v1/embeddings"]
    assert SECRET.encode() not in b"".join(collector.raw)


async def test_questions_that_are_asked_at_once_are_kept_apart(collector: Collector, vllm: FakeVllm) -> None:
    dead = ServerTable(url="http://127.0.0.1:1", models=("other",))
    async with traced(vllm, False, server=(dead,)) as proxy, aiohttp.ClientSession() as session:
        async with session.get(f"{proxy.url}/v1/models") as answer:
            assert answer.status == 200
    by_port = {told(each.attributes)["server.port"]: told(each.attributes) for each in collector.questions}
    live = by_port.pop(int(vllm.url.rpartition(":")[2]))
    assert (live["http.response.status_code"], "error.type" in live) == (200, False)
    assert by_port[1]["error.type"] == "upstream_unreachable"


async def test_the_service_is_named(collector: Collector, vllm: FakeVllm, stream: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    vllm.says(GOOD)
    async with traced(vllm, stream) as proxy:
        await proxy.ask(tools=[BASH])
    assert collector.resources[0]["service.name"] == "toolmend"
    assert collector.resources[0]["process.pid"] == os.getpid()
    monkeypatch.setenv("OTEL_SERVICE_NAME", "ours")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=of-the-collector")
    async with traced(vllm, stream) as proxy:
        await proxy.ask(tools=[BASH])
    assert collector.resources[-1]["service.name"] == "ours"
    assert collector.asked[-1]["x-key"] == "of-the-collector"


@pytest.mark.parametrize(
    ("kind", "event", "words"),
    [
        ("refuses", "tracing", "code: 400"),
        ("hangs", "traces lost", "the collector took more than 0.5 s at the end"),
        ("gone", "tracing", "port=1)"),
    ],
)
async def test_a_bad_collector_costs_no_request(
    collector: Collector, vllm: FakeVllm, stream: bool, kind: str, event: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector.status, collector.hangs = 400 if kind == "refuses" else 200, kind == "hangs"
    if kind == "gone":
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr(tracing, "FLUSH_SECONDS", 0.5)
    vllm.says(GOOD)
    with capture_logs() as logs:
        async with traced(vllm, stream) as proxy:
            assert (await proxy.ask(tools=[BASH])).calls
    assert [each for each in logs if each["event"] == event and words in each["error"]], logs


def test_tracing_is_not_even_imported_where_nobody_asked_for_it() -> None:
    code = "import sys, proxy.serve; sys.exit(any(each.startswith('opentelemetry') for each in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.usefixtures("bare")
def test_without_the_extra_it_is_told_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "proxy.tracing", raising=False)
    monkeypatch.delattr("proxy.tracing", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    result = CliRunner().invoke(toolmend, ["config", "check", "--upstream", "http://h:1", "--otel"])
    assert result.exit_code == 2
    assert "--otel needs opentelemetry.sdk.resources, which is not installed" in result.output
    assert "pip install" in result.output


@pytest.mark.usefixtures("bare")
def test_a_protocol_that_is_not_spoken_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    result = CliRunner().invoke(toolmend, ["config", "check", "--upstream", "http://h:1", "--otel"])
    assert result.exit_code == 2
    assert 'OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" is not spoken here, only "http/protobuf"' in result.output
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    assert CliRunner().invoke(toolmend, ["config", "check", "--upstream", "http://h:1", "--otel"]).exit_code == 0
