"""The request that is being served: its moments, and where to count what happens to it.

Whoever has something to tell finds it by the context of its task, so it need not be handed down through everything between the
front door and the model server. Outside a request (a replay, the doctor, the probes at start) there is nothing to tell it to.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import aiohttp

from proxy.errors import Fault

if TYPE_CHECKING:
    from proxy.metrics import Metrics  # counts outcomes, which come of answers, which come from upstream
    from proxy.outcome import Outcome
    from proxy.recording import Subject

Moment = Literal["asked", "wrote", "showed"]
"""asked: it is sent upstream; wrote: the first byte of an answer's body came; showed: the first of it went to the client."""

Ask: TypeAlias = Callable[[Any, str, str, bytes | None, Mapping[str, str]], AbstractAsyncContextManager[aiohttp.ClientResponse]]
"""Sends method, path, body and headers to a model server (`Upstream.ask`)."""


@dataclass(slots=True)
class Watch:
    """One request. Moments are monotonic seconds; `read`: its head has come, or its body where it has one."""

    metrics: Metrics
    read: float = field(default_factory=time.monotonic)
    moments: dict[Moment, float] = field(default_factory=dict)

    @property
    def overhead(self) -> float | None:
        """Seconds from reading the request to sending it upstream; None: it was not sent."""
        return self.moments["asked"] - self.read if "asked" in self.moments else None

    @property
    def held(self) -> float | None:
        """Seconds from the model server's first byte to the client's first, or to now; None: the server wrote nothing."""
        if "wrote" not in self.moments:
            return None
        return max(self.moments.get("showed", time.monotonic()) - self.moments["wrote"], 0.0)


_WATCH: Final[ContextVar[Watch | None]] = ContextVar("watch", default=None)


@contextmanager
def watching(metrics: Metrics) -> Iterator[Watch]:
    """Watch what happens in the block."""
    watch = Watch(metrics)
    token = _WATCH.set(watch)
    try:
        yield watch
    finally:
        _WATCH.reset(token)


def mark(moment: Moment) -> None:
    """Note a moment, where it is the first of its kind."""
    watch = _WATCH.get()
    if watch is not None and moment not in watch.moments:
        watch.moments[moment] = time.monotonic()


def mark_read() -> None:
    """Note that the request's body has come: what was before is its client's and the network's time."""
    watch = _WATCH.get()
    if watch is not None:
        watch.read = time.monotonic()


def count_turn(subject: Subject, outcome: Outcome) -> None:
    """Count a turn that is over."""
    watch = _WATCH.get()
    if watch is not None:
        watch.metrics.count_turn(subject, outcome, watch.held)


def count_answer(status: int) -> None:
    """Count an answer of the model server, by its status."""
    watch = _WATCH.get()
    if watch is not None:
        watch.metrics.count_answer(status)


@contextmanager
def asking_again() -> Iterator[None]:
    """Count a question to the model while it runs."""
    watch = _WATCH.get()
    if watch is None:
        yield
        return
    with watch.metrics.asking.track_inprogress():
        yield


def watched(ask: Ask) -> Ask:
    """Watch what asks a model server: when it was asked, and which fault came of it or of reading the answer."""

    @wraps(ask)
    @asynccontextmanager
    async def asked(
        upstream: Any, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        mark("asked")
        try:
            async with ask(upstream, method, path, body, headers) as response:
                yield response
        except Fault as fault:
            watch = _WATCH.get()
            if watch is not None:
                watch.metrics.count_fault(fault)
            raise

    return asked
