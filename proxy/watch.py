"""The request that is being served: its moments, and where to count what happens to it.

Whoever has something to tell finds it by the context of its task, so it need not be handed down through everything between the
front door and the model server. Outside a request (a replay, the doctor, the probes at start) there is nothing to tell it to.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, Protocol

from aiohttp import web

from proxy.errors import Fault

if TYPE_CHECKING:
    from proxy.metrics import Metrics  # counts outcomes, which come of answers, which come from upstream
    from proxy.outcome import Outcome
    from proxy.recording import Subject

Moment = Literal["asked", "wrote", "showed"]
"""asked: it is sent upstream; wrote: the first byte of an answer's body came; showed: the first of it went to the client."""


@dataclass(slots=True)
class Asked:
    """What is asked of a model server, as far as it has come.

    headers  what tells the server of our trace
    status   of its answer, once that has begun
    error    what ended it where it was not the end of the answer
    over     when that was, in nanoseconds since 1970
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None
    error: BaseException | None = None
    over: int | None = None


class Trace(Protocol):
    """The trace of one request: told in order what happens to it."""

    def asks(self, base: str, method: str, path: str) -> Asked:
        """Take note that a model server is asked."""

    def turn(self, subject: Subject, outcome: Outcome) -> None:
        """Take note of what became of the turn."""

    def end(self, status: int | None) -> None:
        """Take note that the request is over; None: its connection ended before the answer did."""


class Traces(Protocol):
    """Makes the traces."""

    def begin(self, request: web.Request, route: str) -> Trace:
        """Begin the trace of a request."""

    async def aclose(self) -> None:
        """Send what was traced, and end."""


TRACES: Final[web.AppKey[Traces]] = web.AppKey("traces")
"""There where requests are traced."""


@dataclass(slots=True)
class Watch:
    """One request. Moments are monotonic seconds; `read`: its head has come, or its body where it has one."""

    metrics: Metrics
    trace: Trace | None = None
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
def watching(watch: Watch) -> Iterator[None]:
    """Let what happens in the block be told to a watch."""
    token = _WATCH.set(watch)
    try:
        yield
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
        if watch.trace:
            watch.trace.turn(subject, outcome)


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


@contextmanager
def asking(base: str, method: str, path: str) -> Iterator[Asked]:
    """Watch what is asked of a model server: when, and which fault comes of it or of reading the answer. `base`: of its URL."""
    mark("asked")
    watch = _WATCH.get()
    asked = watch.trace.asks(base, method, path) if watch and watch.trace else Asked()
    try:
        yield asked
    except BaseException as error:
        asked.error = error
        if watch is not None and isinstance(error, Fault):
            watch.metrics.count_fault(error)
        raise
    finally:
        asked.over = time.time_ns()
