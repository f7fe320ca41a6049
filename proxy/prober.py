"""Says when a model server is asked what it can do, and keeps what was found. One task, in nobody's way.

At start, again and again until the server is there; and when it has changed: when it was gone, when `system_fingerprint` is a new
one, when a client has had an answer of a model that was never asked. Not by the clock. A server that loads models when they
are asked for is left alone until such an answer; one that wants a key we do not hold, until a client has shown its own. What
fails changes nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

import structlog

from proxy.capabilities import SOME, Capabilities, at_once, conceded
from proxy.concessions import Concession, Memory
from proxy.errors import Fault
from proxy.grammars import Grammars
from proxy.probe import REQUESTS, Denied, Look, NotThere, Round
from proxy.profiles import Profile, choose
from proxy.reading import Reader
from proxy.upstream import Upstream

log = structlog.get_logger()

PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds between two looks at whether the server is there. vLLM takes minutes to load."""

READY_SECONDS: Final = 60.0
"""Seconds that `/readyz` waits at most for the first questions, from when the server was seen there."""

MODELS: Final = 64
"""Models that are asked at most; a client that goes through all that a router has must not cost more."""

NAME: Final = 200
"""Characters of a model's name that is asked."""

FINGERPRINTS: Final = 8
"""Changes of the fingerprint that are followed. Behind some addresses there are many servers, and each has its own."""

KEYS: Final = ("authorization", "x-api-key")


DENIALS: Final = 3
"""How often a server that wants a key is asked with a client's. Some let a key chat and not list."""


class Prober:
    """Owns the task that asks; `close` ends it. Until `start` nothing is asked, and nothing is waited for.

    memory, grammars  are told what the server does not bear, for good
    """

    def __init__(self, upstream: Upstream, profiles: Sequence[Profile], memory: Memory, grammars: Grammars) -> None:
        self.known: dict[str, Capabilities] = {}
        self._upstream = upstream
        self._profiles = profiles
        self._memory = memory
        self._grammars = grammars
        self._look: Look | None = None
        self._stale = True
        self._denied = 0
        self._put_off = False
        self._key: Mapping[str, str] = {}
        self._wanted: OrderedDict[str, Mapping[str, str]] = OrderedDict()
        self._asked: set[str] = set()
        self._fingerprints: set[str] = set()
        self._there_since: float | None = None
        self._first, self._wake, self._there = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to ask, in the background."""
        self._upstream.lost = self.lost
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(_tell)

    async def close(self) -> None:
        """Stop asking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def of(self, model: str) -> Capabilities:
        """Return what is known of a model; where a client names none, of the only one."""
        names = list(self.known)
        return self.known.get(model or (names[0] if len(names) == 1 else ""), Capabilities())

    def take(self, model: str, known: Capabilities, granted: frozenset[Concession]) -> None:
        """Take what somebody else has asked already, in place of asking."""
        self._keep(model, known, granted)

    # -- what others tell

    def seen(self, model: str, reader: Reader, headers: Mapping[str, str]) -> None:
        """Take note of an answer. It came, so this model is loaded and this key is good; and it may tell of a change.

        headers  of the client's request: its key is what we ask with where we hold none
        """
        if self._task is None:
            return
        known = self.known.get(model)
        if reader.split and known is not None and known.reasoning_parser is None:
            self.known[model] = replace(known, reasoning_parser=SOME)
        key = {name: headers[name] for name in KEYS if name in headers}
        if self._put_off or self._is_new(reader.fingerprint):
            self._put_off, self._stale, self._key = False, True, key
            self._wake.set()
        if 0 < len(model) <= NAME and model not in self._asked and len(self._asked) < MODELS:
            self._asked.add(model)
            self._wanted[model] = key
            self._wake.set()
        self._there.set()

    def _is_new(self, fingerprint: str | None) -> bool:
        known = self._fingerprints
        if fingerprint is None or not known or fingerprint in known or len(known) > FINGERPRINTS:
            return False
        known.add(fingerprint)
        return True

    def lost(self) -> None:
        """Take note that the server could not be reached: when it is there again, it may be another."""
        self._stale = True
        self._wake.set()

    def delays_readiness(self) -> bool:
        """Say whether the first questions are still open, to somebody who has just seen that the server is there."""
        if self._task is None or self._first.is_set():
            return False
        if self._there_since is None:
            self._there_since = time.monotonic()
            self._there.set()
        return time.monotonic() - self._there_since < READY_SECONDS

    # -- the task

    async def _run(self) -> None:
        missed = 0
        while True:
            self._wake.clear()
            try:
                await self._round()
            except NotThere as error:
                log.info("probe waits", error=str(error)[:300])
                self._stale = True
                await self._pause(PAUSES[min(missed, len(PAUSES) - 1)])
                missed += 1
                continue
            except Denied as error:
                self._denied += 1
                self._put_off = self._denied < DENIALS
                log.info("probe put off", error=str(error))
            except (Fault, TimeoutError) as error:
                log.warning("probe failed", error=str(error)[:300] or "out of time")
            missed = 0
            self._first.set()
            await self._wake.wait()

    async def _pause(self, seconds: float) -> None:
        """Wait until it is time to try again, or somebody has seen the server there."""
        self._there.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._there.wait()

    async def _round(self) -> None:
        """Ask what the server is, where that may have changed, and each model that waits to be asked."""
        if self._stale:
            self._stale = False
            asking = Round(self._upstream, self._upstream.headers(self._key))
            self._key = {}
            self._look = await asking.look()
            model = at_once(self._look.base.server, self._look.served)
            self._asked = set(self._wanted)
            if model is not None:
                self._wanted.pop(model, None)
                await self._ask(model, asking, self._look)
        while self._wanted and self._look is not None:
            model, key = self._wanted.popitem(last=False)
            only = self._look.only
            if only in self.known and model not in self._look.base.models:
                self._keep(model, self.known[only], self._memory.granted(only))
            else:
                await self._ask(model, Round(self._upstream, self._upstream.headers(key), REQUESTS - 2), self._look)

    async def _ask(self, model: str, asking: Round, look: Look) -> None:
        """Ask a model, and let what is found hold for all names of it."""
        names = {*look.named_alike(model), model}
        self._asked |= names
        for name in names:
            self.known.setdefault(name, look.of(name))
        try:
            known, learned = await asking.find(model, look.of(model), choose(model, self._profiles).reads[0])
        except NotThere:
            self._asked -= names
            raise
        for name in names:
            self._keep(name, known, conceded(known, learned))
        if known.fingerprint is not None:
            self._fingerprints.add(known.fingerprint)
        log.info("capabilities", model=model, tokens=asking.tokens, **known.fields())

    def _keep(self, name: str, known: Capabilities, granted: frozenset[Concession]) -> None:
        self.known[name] = known
        self._memory.settle(name, granted)
        self._grammars.settle(name, known.ignored)


def _tell(task: asyncio.Task[None]) -> None:
    """Tell the operator where the task ended by a fault of ours: the proxy goes on without."""
    if not task.cancelled() and task.exception() is not None:
        log.error("probing ended", exc_info=task.exception())
