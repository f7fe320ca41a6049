"""Serves recorded turns by the code of today, and says what comes out otherwise."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import TracebackType
from typing import Any, Self

import orjson
from aiohttp import web

from adapters.clients.chat_wire import Ends, Head
from adapters.models.native import call_of
from proxy.body import read_body
from proxy.capabilities import Capabilities
from proxy.checker import UNHURRIED, Checker
from proxy.concessions import CONCESSIONS, NO_STRICT, Memory
from proxy.errors import Fault
from proxy.exchange import Exchange
from proxy.grammars import Grammars
from proxy.notes import note_unreadable
from proxy.observe import write_down
from proxy.outcome import Outcome
from proxy.plan import Plan, make_plan
from proxy.prober import Prober
from proxy.profiles import Profile, load
from proxy.record import Record
from proxy.rendering import render
from proxy.replay.recorded import Recorded, bytes_of
from proxy.services import Services
from proxy.sessions import Sessions
from proxy.settings import Settings
from proxy.tally import Kind, Spent
from proxy.upstream import Upstream
from rules.conversation import Turn

Entry = Mapping[str, Any]

LONGEST = 64 * 1024 * 1024
"""Bytes of a record that is made here: it is compared, and not kept."""


class NotReplayable(Exception):
    """A record does not hold what serving its turn again takes. Its text says what is missing."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a turn that was served again.

    before, after  the records; `after` is None where nothing would be written down
    drift          what differs, in words; empty: nothing
    shortened      the record holds a shortened request, so that a difference may be due to that
    """

    before: Entry
    after: Entry | None
    drift: tuple[str, ...]
    shortened: bool


@dataclass(slots=True)
class Page:
    """Keeps the one record that is written into it."""

    record: Record | None = None
    outcome: Outcome | None = None

    def write(self, record: Record) -> None:
        """Keep it."""
        self.record = record

    def count(self, kind: Kind, outcome: Outcome, spent: Spent, *, called: bool) -> None:  # noqa: ARG002 - as Book has it
        """Keep how the turn ended: of one that is right as it comes there is no record."""
        self.outcome = outcome


class Silent:
    """A reply that nobody gets. What a stream would have shown stands, as it does for a client."""

    def __init__(self, *, streamed: bool) -> None:
        self._streamed = streamed
        self.sent = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        return None

    async def text(self, head: Head, text: str, logprobs: tuple[Any, ...]) -> None:  # noqa: ARG002 - here and below: as Reply has it
        """Take text that cannot be taken back."""
        self.sent += text if self._streamed else ""

    async def thought(self, head: Head, text: str) -> None:
        """Take a thought."""

    async def finish(self, head: Head, turn: Turn, ends: Ends, notes: dict[str, str]) -> web.StreamResponse:  # noqa: ARG002
        """End."""
        return web.Response()

    async def fail(self, fault: Fault) -> web.StreamResponse:  # noqa: ARG002
        """End with an error."""
        return web.Response()


class Remembered(Sessions):
    """What was remembered of the conversation then, and nothing else."""

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self._entry = entry

    def settle(self, plan: Plan, headers: Mapping[str, str]) -> Plan:  # noqa: ARG002 - as Sessions has it
        """Return the plan as it was settled then."""
        known = self._entry["known"]
        dropped = tuple(call_of(f"d{place}", call["name"], call["arguments"]) for place, call in enumerate(known["dropped"]))
        broken = tuple(step for step in plan.broken if step in known["broken"])
        plan = replace(plan, note=known["note"], broken=broken, conversation=replace(plan.conversation, dropped=dropped))
        return plan.in_text() if self._entry["dialect"] != "native" and plan.dialect is None else plan


@dataclass(frozen=True, slots=True)
class Terms:
    """What turns are served by. `upstream`: None serves what was recorded; else the model is asked again."""

    settings: Settings
    profiles: tuple[Profile, ...]
    checker: Checker
    upstream: Upstream | None = None

    @staticmethod
    def to_read(settings: Settings) -> Terms:
        """Return what a request is understood by again; nothing is served."""
        return Terms(settings, load(settings.profile), Checker(UNHURRIED))


async def replay(entry: Entry, terms: Terms) -> Replayed:
    """Serve a recorded turn again, and compare. Raises NotReplayable."""
    plan = plan_of(entry, terms)
    page = Page()
    upstream = terms.upstream or Recorded(terms.settings, entry["attempts"], aborted=entry["outcome"] == "aborted")
    services = services_of(entry, plan, terms, upstream, page)
    if plan.unreadable:
        note_unreadable(plan, str(entry["turn"]), page, terms.settings.upstream)
    elif plan.mode == "observe":
        await _observed(entry, plan, services)
    else:
        await _exchanged(entry, plan, services)
    after = orjson.loads(render(page.record, "on", LONGEST)) if page.record else None
    return Replayed(entry, after, differences(entry, after, page.outcome), bool(entry["request"].get("shortened")))


async def _exchanged(entry: Entry, plan: Plan, services: Services) -> None:
    exchange = Exchange(services, plan, {}, str(entry["turn"]))
    task = asyncio.ensure_future(exchange.run(Silent(streamed=plan.streamed)))
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()


async def _observed(entry: Entry, plan: Plan, services: Services) -> None:
    attempt = entry["attempts"][0] if entry["attempts"] else None
    if attempt is None:
        raise NotReplayable("it was only observed, and no answer came")
    await write_down(bytes_of(attempt), plan, services, str(entry["turn"]), time.monotonic())


def plan_of(entry: Entry, terms: Terms) -> Plan:
    """Understand the recorded request again. Raises NotReplayable."""
    if entry.get("v", 1) < 2:
        raise NotReplayable("it was written by an older toolmend, which did not keep requests")
    request = entry["request"]
    if "body" not in request:
        raise NotReplayable("its request was not kept: bodies were off, or it was too large")
    raw = orjson.dumps(request["body"])
    plan = make_plan(
        read_body(raw, terms.settings.limits), terms.settings, terms.profiles, prefix=request["prefix"], mode=entry["mode"]
    )
    if plan.profile.name != entry["profile"]:
        raise NotReplayable(f'its profile "{entry["profile"]}" is not there: say --config with the file that has it')
    return plan


def services_of(entry: Entry, plan: Plan, terms: Terms, upstream: Upstream, page: Page) -> Services:
    """Return what serves the turn: it knows what was known then."""
    known = entry["known"]
    memory, grammars = Memory(), Grammars()
    for concession in (*CONCESSIONS, NO_STRICT):
        if concession.name in known["granted"]:
            memory.grant(plan.model, concession)
    grammars.restore(plan.model, known["ungrammatical"])
    prober = Prober(upstream, terms.profiles, memory, grammars)
    prober.known[plan.model] = capabilities_of(known["server"])
    return Services(
        terms.settings, terms.profiles, upstream, terms.checker, page, prober, memory, grammars, sessions=Remembered(entry)
    )


def capabilities_of(server: Mapping[str, Any]) -> Capabilities:
    """Read capabilities as they were written down."""
    names = {each.name for each in fields(Capabilities)}
    known: Any = {key: tuple(value) if isinstance(value, list) else value for key, value in server.items() if key in names}
    return Capabilities(**known)


def differences(before: Entry, after: Entry | None, outcome: Outcome | None) -> tuple[str, ...]:
    """Say in words what came out otherwise."""
    if after is None:
        name = outcome.name if outcome else "nothing"
        return (f"outcome: {before['outcome']} -> {name}, and nothing to be written down",)
    told = [
        f"{key}: {_told(before.get(key))} -> {_told(after.get(key))}"
        for key in ("outcome", "class", "reason", "repairs")
        if before.get(key) != after.get(key)
    ]
    pairs = {
        "questions": ([each["rung"] for each in before["attempts"]], [each["rung"] for each in after["attempts"]]),
        "findings": ([each["problem"] for each in before["attempts"]], [each["problem"] for each in after["attempts"]]),
        "engine": ([each["kind"] for each in before["engine"]], [each["kind"] for each in after["engine"]]),
        "calls": (before["final"]["calls"], after["final"]["calls"]),
        "text": (before["final"]["text"], after["final"]["text"]),
    }
    told += [f"{name}: {_told(was)} -> {_told(now)}" for name, (was, now) in pairs.items() if was != now]
    return tuple(told)


def _told(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return (text if len(text) <= 200 else f"{text[:100]} ... {text[-90:]}") or "nothing"
