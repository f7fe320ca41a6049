"""Asks everything, in an order in which a part of it tells something already, within what is allowed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, TypeAlias

from proxy.capabilities import NO_PARSER
from proxy.checker import UNHURRIED, Checker
from proxy.doctor import checks
from proxy.doctor.asker import Asker
from proxy.doctor.gathered import Gathered
from proxy.doctor.look import Glass
from proxy.doctor.meeting import meet, probe, started
from proxy.doctor.order import Order
from proxy.doctor.purse import Spent
from proxy.doctor.trials import Ask, Trial, Via, play, requests_of, ways
from proxy.doctor.wire import Server
from proxy.probe import REQUESTS
from proxy.profiles import load
from proxy.upstream import Upstream

LOOKS: Final = 16
"""The most second looks: one for each scenario, protocol, and way to send."""

VIAS: Final[tuple[Via, ...]] = ("direct", "toolmend")

Step: TypeAlias = Callable[[int], None]
"""Is told how many more of the planned requests are behind us."""


def requests(order: Order) -> int:
    """Return the most requests that all of it takes, second looks included; not those that toolmend asks again."""
    return 1 + REQUESTS + checks.REQUESTS + sum(map(requests_of, ways(order.repeats, VIAS, order.levels))) + LOOKS


class Examination:
    """One examination. `gathered` can be read at any time, also after it was broken off."""

    def __init__(self, order: Order, gathered: Gathered, step: Step) -> None:
        self.gathered = gathered
        self._order = order
        self._step = step
        self._asker = Asker(gathered.purse)

    async def run(self) -> None:
        """Ask everything. What the server does wrong is gathered; nothing of it is raised."""
        began = time.monotonic()
        direct = Server(self._order.settings.upstream, self._order.key, self._order.seconds, self._order.trust)
        try:
            if await meet(direct, self._order, self.gathered):
                await self._examine(direct)
        except Spent as spent:
            self.gathered.stopped = str(spent)
        finally:
            self.gathered.seconds = round(time.monotonic() - began, 1)
            await direct.close()

    async def _examine(self, direct: Server) -> None:
        gathered, settings = self.gathered, self._order.settings
        upstream, checker = Upstream(settings), Checker(UNHURRIED)
        try:
            await probe(upstream, self._order, gathered)
            self._step(1 + REQUESTS)
            gathered.shown = await checks.shown(gathered.model, self._asker.asks(direct), self._asker.posts(direct))
            glass = Glass(upstream, checker, settings, load(settings.profile), gathered.known, self._order.seconds)
            async with self._toolmend() as toolmend:
                await self._play(direct, toolmend, glass)
            await self._check(direct)
        finally:
            await checker.aclose()
            await upstream.close()

    @asynccontextmanager
    async def _toolmend(self) -> AsyncIterator[Server]:
        """Yield the toolmend that is asked: the one that was named, else one that is started here and knows what was found."""
        order, gathered = self._order, self.gathered
        async with AsyncExitStack() as stack:
            url, key = order.proxy, order.proxy_key or order.key
            if not url:
                url, key = await stack.enter_async_context(started(order.settings, gathered.model, gathered.known)), None
            server = Server(url, key, order.seconds, order.trust)
            stack.push_async_callback(server.close)
            yield server

    async def _play(self, direct: Server, toolmend: Server, glass: Glass) -> None:
        """Play all scenarios in all ways, and look again at what fails directly."""
        asks: Mapping[Via, Ask] = {"direct": self._asker.asks(direct), "toolmend": self._asker.asks(toolmend)}
        for way in ways(self._order.repeats, VIAS, self._order.levels):
            trial = await play(way, self.gathered.model, self._order.limit, asks[way.via])
            self.gathered.trials.append(trial)
            self._step(requests_of(way))
            if way.via == "direct" and not trial.right:
                await self._look(trial, glass)

    async def _look(self, trial: Trial, glass: Glass) -> None:
        """Look at a turn again that failed, once for each way. A server without a tool parser is asked around it."""
        turn, gathered = trial.failed, self.gathered
        if turn is None or len(gathered.looks) >= LOOKS or gathered.look_at(trial) is not None:
            return
        around = gathered.known.tool_parser == NO_PARSER and trial.way.protocol == "native"
        if turn.trouble is not None and not around:
            return
        self._asker.allow()
        wants = trial.way.scenario.steps[trial.steps].wants
        look = await glass.look(turn.body, wants, opened=gathered.shown.opened, around=around)
        if look is not None:
            gathered.purse.paid(look.tokens)
            gathered.looks.append((trial.way, turn, look))

    async def _check(self, direct: Server) -> None:
        """Ask the small questions that are left."""
        gathered, ask = self.gathered, self._asker.asks(direct)
        full = next((trial.turns[-1].answer for trial in gathered.trials if _shows_a_call(trial)), None)
        if full is not None and full.completion is not None:
            gathered.cut = await checks.cut(gathered.model, full.completion, ask)
        gathered.plain = await checks.plain(gathered.model, ask)
        self._step(checks.REQUESTS)


def _shows_a_call(trial: Trial) -> bool:
    """Tell whether a play shows how many tokens a call takes when nothing cuts it."""
    way = trial.way
    return trial.right and (way.level, way.via, way.protocol) == (1, "direct", "native")
