"""Counts what happens, for Prometheus: one registry per application, and label values from fixed sets only.

No label is ever a client's own text. A model is told by its profile: of those there are as many as the operator configured.
"""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Final, Protocol, get_args

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from adapters.registry import CLIENTS, PREFIXES
from adapters.structured.constraint import Rung
from proxy.errors import Fault, Overloaded, UpstreamBroken, UpstreamRefused, UpstreamTimeout, UpstreamUnreachable
from proxy.failures.base import CLASSES
from proxy.failures.table import FOUND, REASONS
from proxy.heard import Heard
from proxy.journal import Counts
from proxy.lag import Lag
from proxy.outcome import Name, Outcome
from proxy.output import LogLines
from proxy.recording import Subject, spent
from proxy.settings import Mode
from proxy.version import version
from proxy.watch import TRACES, Watch, watching
from rules.registry import RULES

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

OTHER: Final = "other"
"""What a value counts as that is in no fixed set."""

NONE: Final = "none"
"""Fault and reason of a turn that was right."""

STATUSES: Final = ("1xx", "2xx", "3xx", "4xx", "5xx")
ABORTED: Final = "aborted"
"""In place of a status: the connection ended before the answer did."""

CODES: Final = (
    *(kind.code for kind in (UpstreamUnreachable, UpstreamTimeout, UpstreamBroken, UpstreamRefused, Overloaded)),
    "truncated",
)
"""Codes of the faults that come of asking a model server."""

RESULTS: Final = ("right", "wrong", "error", "broke-off")
UNWATCHED: Final = ("/healthz", "/readyz")

TURN_SECONDS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
HELD_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
OVERHEAD_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)


class Writes(Protocol):
    """A journal, as far as it tells what became of its records."""

    def counts(self) -> Counts:
        """Return what has become of the records so far."""


def names(values: Iterable[str]) -> frozenset[str]:
    """Return a fixed set of label values."""
    return frozenset((*values, OTHER))


CLIENT_NAMES: Final = names(each.name for each in (*CLIENTS, *(each for group in PREFIXES.values() for each in group)))
MODES: Final = names(get_args(Mode))
OUTCOMES: Final = names(get_args(Name))
FAULTS: Final = names((*CLASSES, NONE))
REASON_CODES: Final = names((*(each.code for each in REASONS), NONE))
RULE_NAMES: Final = names((*(rule.name for rule in RULES), *FOUND))
RUNG_NAMES: Final = names(("first", *get_args(Rung)))
CODE_NAMES: Final = names(CODES)


def among(value: str, known: frozenset[str]) -> str:
    """Return a value of a fixed set."""
    return value if value in known else OTHER


def status_class(status: int) -> str:
    """Return the class of an HTTP status."""
    return among(f"{status // 100}xx", frozenset(STATUSES))


class Metrics:
    """All that is counted of one application.

    profiles  names of the configured profiles
    journal   where records go, once there is one
    """

    def __init__(self, profiles: Iterable[str]) -> None:
        self.registry = CollectorRegistry()
        self.journal: Writes | None = None
        self._profiles = names(profiles)
        made = self.registry
        self.requests = Counter(
            "toolmend_requests",
            "Requests of clients, by route and class of the answer's status.",
            ["route", "status"],
            registry=made,
        )
        self.active = Gauge("toolmend_streams_active", "Requests that are being served, streamed or whole.", registry=made)
        self.asking = Gauge("toolmend_questions_active", "Questions that are being asked again.", registry=made)
        self.turns = Counter(
            "toolmend_turns",
            "Turns of agents, by how they ended and whose fault it was that they were not right.",
            ["profile", "client", "mode", "outcome", "fault"],
            registry=made,
        )
        self.reasons = Counter(
            "toolmend_turn_faults", "Turns that were not right, by reason.", ["profile", "fault", "reason"], registry=made
        )
        self.repairs = Counter("toolmend_repairs", "Turns that a rule has mended.", ["profile", "rule"], registry=made)
        self.attempts = Counter(
            "toolmend_attempts",
            "Questions to the model, by what was asked for and what came.",
            ["profile", "rung", "result"],
            registry=made,
        )
        self.completion = Counter("toolmend_completion_tokens", "Tokens that models wrote in turns.", ["profile"], registry=made)
        self.extra = Counter(
            "toolmend_extra_tokens", "Tokens that asking again cost, prompts included.", ["profile"], registry=made
        )
        self.extra_seconds = Counter(
            "toolmend_extra_seconds", "Time of turns that came after their first answer.", ["profile"], registry=made
        )
        self.turn_seconds = Histogram(
            "toolmend_turn_seconds", "Time from request to answer.", ["profile"], buckets=TURN_SECONDS, registry=made
        )
        self.held = Histogram(
            "toolmend_held_seconds",
            "Time from the model server's first byte to the first that the client got of the turn.",
            ["profile", "delivery"],
            buckets=HELD_SECONDS,
            registry=made,
        )
        self.overhead = Histogram(
            "toolmend_overhead_seconds",
            "Time from a request's last byte to sending it to the model server.",
            buckets=OVERHEAD_SECONDS,
            registry=made,
        )
        self.answers = Counter(
            "toolmend_upstream_responses", "Answers of the model server, by class of their status.", ["status"], registry=made
        )
        self.faults = Counter("toolmend_upstream_errors", "Faults of the model server, by code.", ["code"], registry=made)
        build = Gauge("toolmend_build_info", "Always 1; the labels tell the version.", ["version", "python"], registry=made)
        build.labels(version(), platform.python_version()).set(1)
        made.register(_JournalCounts(self))
        self.lag = Lag()
        made.register(_Loop(self.lag))
        ProcessCollector(registry=made)
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """Begin the counters that alerts look at, so that their first step is seen as one."""
        for code in sorted(CODE_NAMES):
            self.faults.labels(code)
        for status in STATUSES[1:]:
            self.answers.labels(status)

    def count_turn(self, subject: Subject, outcome: Outcome, held: float | None) -> None:
        """Count a turn that is over. `held`: seconds that its client got nothing of what the model had written."""
        plan, cost = subject.plan, spent(subject)
        profile, fault = among(plan.profile.name, self._profiles), among(outcome.fault or NONE, FAULTS)
        client, mode = among(plan.client.name, CLIENT_NAMES), among(plan.mode, MODES)
        self.turns.labels(profile, client, mode, among(outcome.name, OUTCOMES), fault).inc()
        if outcome.reason:
            self.reasons.labels(profile, fault, among(outcome.reason, REASON_CODES)).inc()
        for name in outcome.repairs:
            self.repairs.labels(profile, among(name, RULE_NAMES)).inc()
        for each in subject.heard:
            self.attempts.labels(profile, among(each.rung or "first", RUNG_NAMES), result_of(each)).inc()
        self.completion.labels(profile).inc(max(cost.completion, 0))  # a server may say anything
        self.extra.labels(profile).inc(cost.extra)
        self.extra_seconds.labels(profile).inc(cost.extra_seconds)
        self.turn_seconds.labels(profile).observe(cost.seconds)
        if held is not None:
            self.held.labels(profile, "stream" if plan.streamed else "whole").observe(held)

    def count_answer(self, status: int) -> None:
        """Count an answer of the model server."""
        self.answers.labels(status_class(status)).inc()

    def count_fault(self, fault: Fault) -> None:
        """Count a fault that came of asking the model server."""
        self.faults.labels(among(fault.code, CODE_NAMES)).inc()

    def text(self) -> bytes:
        """Write all of it as Prometheus reads it."""
        return generate_latest(_WithoutCreated(self.registry))


METRICS: Final = web.AppKey("metrics", Metrics)


def result_of(heard: Heard) -> str:
    """Say what came of a question."""
    if heard.fault is not None:
        return "error"
    if heard.answer is None:
        return "broke-off"
    return "wrong" if heard.answer.problem else "right"


class _JournalCounts(Collector):
    """What has become of the journal's records and the log's lines: counted where they are written, read when somebody asks."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        journal = self._metrics.journal
        counts = journal.counts() if journal else Counts()
        records = CounterMetricFamily(
            "toolmend_journal_records", "Records of the journal, by what became of them.", labels=["state"]
        )
        for state in ("written", "dropped", "unwritable"):
            records.add_metric([state], getattr(counts, state))
        yield records
        yield CounterMetricFamily(
            "toolmend_journal_failures", "Failed writes of the journal; each is tried again.", counts.failures
        )
        yield CounterMetricFamily("toolmend_log_lines_lost", "Lines of the log that could not be written.", LogLines.lost)


class _Loop(Collector):
    """How the event loop is: read when somebody asks, on the loop itself."""

    def __init__(self, lag: Lag) -> None:
        self._lag = lag

    def collect(self) -> Iterator[Metric]:
        longest = self._lag.longest
        waited = "The longest that the event loop kept a task waiting, in the last 30 to 60 seconds."
        yield GaugeMetricFamily("toolmend_loop_lag_seconds", waited, longest.waited)
        worked = "The longest that one step on the event loop computed, in the last 30 to 60 seconds."
        yield GaugeMetricFamily("toolmend_loop_busy_seconds", worked, longest.worked)
        yield GaugeMetricFamily("toolmend_tasks", "Tasks on the event loop.", _tasks())


def _tasks() -> int:
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:  # asked from without a loop
        return 0


class _WithoutCreated(Collector):
    """A registry without the moments at which each series began: a third of all series, and nobody asks for them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            kept = Metric(metric.name, metric.documentation, metric.type, metric.unit)
            kept.samples = [each for each in metric.samples if not each.name.endswith("_created")]
            yield kept


def route_of(request: web.Request) -> str:
    """Return the route of a request, without its prefix: one of those that there are, or `OTHER`."""
    resource = request.match_info.route.resource
    if resource is None:
        return OTHER
    prefix = max((each for each in PREFIXES if resource.canonical.startswith(f"{each}/")), key=len, default="")
    return resource.canonical.removeprefix(prefix)


@web.middleware
async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Watch a request from its head to its end, and count it."""
    metrics, route, status = request.app[METRICS], route_of(request), None
    served = route not in (*UNWATCHED, OTHER)
    traces = request.app.get(TRACES) if served else None
    watch = Watch(metrics, traces.begin(request, route) if traces else None)
    metrics.active.inc(served)
    try:
        with watching(watch):
            response = await handler(request)
        status = response.status
        return response
    finally:
        metrics.active.dec(served)
        metrics.requests.labels(route, ABORTED if status is None else status_class(status)).inc()
        if watch.trace:
            watch.trace.end(status)
        if served and watch.overhead is not None:
            metrics.overhead.observe(watch.overhead)


def metrics_app(metrics: Metrics) -> web.Application:
    """Build what serves the metrics: `GET /metrics`, and nothing else."""

    async def show(request: web.Request) -> web.Response:  # noqa: ARG001 - aiohttp's signature
        return web.Response(body=metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    app = web.Application()
    app.router.add_get("/metrics", show)
    return app
