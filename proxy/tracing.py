"""Traces for OpenTelemetry (extra `otel`): a span for each request, and below it one for each question to a model server.

Names are those of OpenTelemetry's semantic conventions for HTTP and for generative AI (semantic-conventions-genai,
gen-ai-spans.md), and `toolmend.*` for what has no name there. No text of a client or a model is in a span, but for the names of
program and model. The variables that all of OpenTelemetry has in common say where traces go (`OTEL_EXPORTER_OTLP_ENDPOINT`).
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from adapters.conversations import conversation_id
from proxy.errors import Fault
from proxy.heard import Heard
from proxy.outcome import Outcome
from proxy.recording import Subject
from proxy.redact import excerpt
from proxy.upstream import CHAT
from proxy.version import version
from proxy.watch import Asked

log = structlog.get_logger()

PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN: Final = "http/protobuf"

FLUSH_SECONDS: Final = 3.0
"""The longest that an end waits for a collector: what it has not taken by then is lost."""

NAME: Final = 200
"""Characters of a model's name that are kept."""

PORTS: Final = {"http": 80, "https": 443}


class TracingError(Exception):
    """Raised where traces cannot be sent as the variables ask; says which one and what can be."""


def check() -> None:
    """Raise TracingError where the variables ask for what is not spoken here."""
    for name in PROTOCOLS:
        asked = os.environ.get(name, "").strip()
        if asked not in ("", SPOKEN):
            raise TracingError(f'{name}: "{asked}" is not spoken here, only "{SPOKEN}" (most collectors take it on port 4318)')


class Tracing:
    """Makes traces, and sends them from a thread of its own: a collector that is slow or gone costs traces, and no request."""

    def __init__(self) -> None:
        _tell_operator()
        self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        self._exporter = OTLPSpanExporter()
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("toolmend", version())
        self._context = TraceContextTextMapPropagator()

    def begin(self, request: web.Request, route: str) -> RequestTrace:
        """Begin the trace of a request, within the client's own where it sent a `traceparent`."""
        attributes: dict[str, AttributeValue] = {
            "http.request.method": request.method,
            "http.route": route,
            "url.path": request.path,
            "url.scheme": request.scheme,
        }
        if agent := request.headers.get("user-agent"):
            attributes["user_agent.original"] = excerpt(agent, NAME)
        name = f"{request.method} {route}"
        parent = self._context.extract(request.headers)
        return RequestTrace(self, self._tracer.start_span(name, parent, SpanKind.SERVER, attributes))

    def question(self, parent: Span, name: str, attributes: Mapping[str, AttributeValue]) -> tuple[Span, Mapping[str, str]]:
        """Begin the span of a question, and return the headers that tell the model server of it."""
        span = self._tracer.start_span(name, set_span_in_context(parent), SpanKind.CLIENT, attributes)
        headers: dict[str, str] = {}
        self._context.inject(headers, set_span_in_context(span))
        return span, headers

    async def aclose(self) -> None:
        """Send what was traced, within `FLUSH_SECONDS`, and end."""
        thread = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        thread.start()
        await asyncio.to_thread(thread.join, FLUSH_SECONDS)
        if thread.is_alive():
            self._exporter.shutdown()  # type: ignore[no-untyped-call]  # theirs; it ends the pauses between tries
            log.warning("traces lost", error=f"the collector took more than {FLUSH_SECONDS:g} s at the end")


@dataclass(frozen=True, slots=True)
class Question:
    """One question to a model server, and its span."""

    span: Span
    asked: Asked
    chat: bool


class RequestTrace:
    """The trace of one request. Its spans end with it: what is known of a question is known when the turn is over."""

    def __init__(self, tracing: Tracing, span: Span) -> None:
        self._tracing = tracing
        self._span = span
        self._questions: list[Question] = []

    def asks(self, base: str, method: str, path: str) -> Asked:
        """Begin the span of a question."""
        url, route = urlsplit(base), path.partition("?")[0]
        attributes: dict[str, AttributeValue] = {
            "http.request.method": method,
            "url.path": route,
            "server.address": url.hostname or "",
            "server.port": url.port or PORTS[url.scheme],
        }
        chat = path == CHAT
        if chat:
            attributes |= {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai"}
        span, headers = self._tracing.question(self._span, "chat" if chat else f"{method} {route}", attributes)
        self._questions.append(Question(span, Asked(headers), chat))
        return self._questions[-1].asked

    def turn(self, subject: Subject, outcome: Outcome) -> None:
        """Note what became of the turn, and of each question in it."""
        plan = subject.plan
        self._span.set_attributes(
            {
                "gen_ai.conversation.id": conversation_id(plan.conversation),
                "toolmend.turn": subject.turn_id,
                "toolmend.client": plan.client.name,
                "toolmend.profile": plan.profile.name,
                "toolmend.mode": plan.mode,
                "toolmend.outcome": outcome.name,
                "toolmend.fault": outcome.fault,
                "toolmend.reason": outcome.reason,
                "toolmend.repairs": outcome.repairs,
                "toolmend.questions": len(subject.heard),
            }
        )
        for question, heard in zip((each for each in self._questions if each.chat), subject.heard, strict=False):
            question.span.update_name(f"chat {excerpt(plan.model, NAME)}".rstrip())
            question.span.set_attributes(_heard(subject, heard))

    def end(self, status: int | None) -> None:
        """End all spans. `status`: of our answer; None: its connection ended first."""
        for question in self._questions:
            _end(question.span, question.asked)
        if status is not None:
            self._span.set_attribute("http.response.status_code", status)
        if status is None or status >= 500:
            _fail(self._span, "aborted" if status is None else str(status))
        self._span.end()


def _heard(subject: Subject, heard: Heard) -> dict[str, AttributeValue]:
    """Say what was asked for in a question, and what came."""
    plan = subject.plan
    found: dict[str, AttributeValue] = {
        "gen_ai.request.model": excerpt(plan.model, NAME),
        "gen_ai.request.stream": plan.streamed,
        "gen_ai.provider.name": subject.known.server.server or "openai",
        "toolmend.rung": heard.rung or "first",
    }
    if heard.reader is not None:
        found |= _read(heard)
    if heard.answer is not None and heard.answer.problem is not None:
        found["toolmend.problem"] = heard.answer.problem.reason
    return found


def _read(heard: Heard) -> dict[str, AttributeValue]:
    """Say what the answer told of itself. The token counts are ours where the server sent none."""
    reader, used = heard.reader, heard.usage
    assert reader is not None
    found: dict[str, AttributeValue] = {
        f"gen_ai.response.{name}": excerpt(value, NAME)
        for name in ("id", "model")
        if isinstance(value := reader.head.get(name), str)
    }
    if reader.finish_reason:
        reasons: Sequence[str] = (reader.finish_reason,)
        found["gen_ai.response.finish_reasons"] = reasons
    if used.prompt:
        found["gen_ai.usage.input_tokens"] = used.prompt
    return found | {"gen_ai.usage.output_tokens": used.completion}


def _end(span: Span, asked: Asked) -> None:
    if asked.status is not None:
        span.set_attribute("http.response.status_code", asked.status)
    if asked.error is not None:
        _fail(span, asked.error.code if isinstance(asked.error, Fault) else type(asked.error).__name__)
    span.end(asked.over)


def _fail(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(StatusCode.ERROR)


def _resource() -> Resource:
    """Say who we are, where the variables do not."""
    made = Resource.create({"service.version": version(), "process.pid": os.getpid()})
    if not str(made.attributes[SERVICE_NAME]).startswith("unknown_service"):
        return made
    return made.merge(Resource({SERVICE_NAME: "toolmend"}))


class _ToLog(logging.Handler):
    """Writes what OpenTelemetry complains of as events of our log: standard output has one JSON object per line."""

    def emit(self, record: logging.LogRecord) -> None:
        log.warning("tracing", error=record.getMessage()[:300])


def _tell_operator() -> None:
    logger = logging.getLogger("opentelemetry")
    if not any(isinstance(each, _ToLog) for each in logger.handlers):
        logger.addHandler(_ToLog())
        logger.propagate = False
