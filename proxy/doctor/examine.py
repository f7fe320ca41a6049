"""Asks everything, in an order in which a part of it tells something already, within what is allowed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from proxy.app import SERVICES
from proxy.capabilities import NO_PARSER, conceded
from proxy.checker import Checker
from proxy.doctor import checks
from proxy.doctor.gathered import Gathered
from proxy.doctor.look import Glass
from proxy.doctor.purse import Spent
from proxy.doctor.scenarios import LEVELS, Level
from proxy.doctor.trials import Ask, Trial, Via, play, requests_of, ways
from proxy.doctor.wire import Answer, Server, Trouble
from proxy.errors import Fault
from proxy.probe import REQUESTS, Denied, NotThere, Round
from proxy.profiles import Profile, choose, load
from proxy.reading import as_dict, as_list, as_text
from proxy.serve import make_runner
from proxy.settings import Settings
from proxy.upstream import Upstream

LOOKS: Final = 16
"""The most second looks: one for each scenario, protocol, and way to send."""

GONE: Final = 3
"""After so many requests in a row that got no answer, the server is left alone."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for.

    settings      as toolmend would serve with: the model server, its key, profiles
    proxy         URL of a toolmend that runs already; empty: one is started for the time
    proxy_key     sent to it
    seconds       the most that one answer may take
    limit         tokens that one answer may have
    """

    settings: Settings
    model: str = ""
    proxy: str = ""
    proxy_key: str | None = None
    repeats: int = 1
    levels: tuple[Level, ...] = tuple(LEVELS)
    seconds: float = 60.0
    limit: int = 2048

    @property
    def key(self) -> str | None:
        """The key for the model server."""
        held = self.settings.upstream_key
        return held.get_secret_value() if held is not None else None

    def requests(self) -> int:
        """Return the most requests that all of it takes, second looks included."""
        played = sum(map(requests_of, ways(self.repeats, ("direct", "toolmend"), self.levels)))
        return 1 + REQUESTS + checks.REQUESTS + played + LOOKS


Step = Callable[[int], None]
"""Is told how many more of the planned requests are behind us."""


class Examination:
    """One examination. `gathered` can be read at any time, also after it was broken off."""

    def __init__(self, order: Order, gathered: Gathered, step: Step) -> None:
        self.gathered = gathered
        self._order = order
        self._step = step
        self._silent = 0
        self._began = time.monotonic()

    async def run(self) -> None:
        """Ask everything. What the server does wrong is gathered; nothing of it is raised."""
        direct = Server(self._order.settings.upstream, self._order.key, self._order.seconds)
        try:
            await self._meet(direct)
            if self.gathered.trouble is None:
                await self._examine(direct)
        except Spent as spent:
            self.gathered.stopped = str(spent)
        finally:
            self.gathered.seconds = round(time.monotonic() - self._began, 1)
            await direct.close()

    # -- what the server is

    async def _meet(self, server: Server) -> None:
        """Find the model that is meant, and what the server can do."""
        gathered = self.gathered
        try:
            gathered.purse.take()
            listed = as_list(as_dict(await server.get("/v1/models")).get("data"))
        except Trouble as trouble:
            if not (self._order.model and trouble.kind == "refused" and trouble.status in (404, 405)):
                gathered.trouble = trouble
                return
            listed = []
        gathered.models = tuple(filter(None, (as_text(as_dict(each).get("id")) for each in listed)))
        gathered.model = self._order.model or (gathered.models[0] if len(gathered.models) == 1 else "")
        self._step(1)

    async def _examine(self, direct: Server) -> None:
        settings, gathered = self._order.settings, self.gathered
        if not gathered.model or (gathered.models and gathered.model not in gathered.models):
            return
        profiles = load(settings.profile)
        gathered.profile = choose(gathered.model, profiles)
        upstream, checker = Upstream(settings), Checker()
        try:
            await self._probe(upstream, gathered.profile)
            glass = Glass(upstream, checker, settings, profiles, gathered.known, self._order.seconds)
            gathered.shown = await checks.shown(gathered.model, self._asks(direct), self._posts(direct))
            async with self._toolmend() as toolmend:
                await self._play(direct, toolmend, glass)
            await self._check(direct)
        finally:
            await checker.aclose()
            await upstream.close()

    async def _probe(self, upstream: Upstream, profile: Profile) -> None:
        """Ask what the server can do, as toolmend does at its start."""
        gathered = self.gathered
        asking = Round(upstream, upstream.headers({}))
        try:
            async with asyncio.timeout(self._order.seconds):
                look = await asking.look()
                gathered.known = look.of(gathered.model)
                gathered.known, _ = await asking.find(gathered.model, gathered.known, profile.reads[0])
        except (NotThere, Denied, Fault, TimeoutError):
            pass  # what is wrong shows in the plays, with the server's own words
        gathered.purse.asked += REQUESTS - asking.left
        gathered.purse.paid(asking.tokens)
        self._step(REQUESTS)

    @asynccontextmanager
    async def _toolmend(self) -> AsyncIterator[Server]:
        """Yield the toolmend that is asked: the one that was named, else one that is started here and knows what was found."""
        async with AsyncExitStack() as stack:
            url, key = self._order.proxy, self._order.proxy_key or self._order.key
            if not url:
                url, key = await stack.enter_async_context(self._started()), None
            server = Server(url, key, self._order.seconds)
            stack.push_async_callback(server.close)
            yield server

    @asynccontextmanager
    async def _started(self) -> AsyncIterator[str]:
        """Run a toolmend on a port of loopback, and yield its URL."""
        settings, known = self._order.settings, self.gathered.known
        limits = settings.limits.model_copy(update={"drain_seconds": 1.0})
        changes = {"host": "127.0.0.1", "port": 0, "probe": False, "mode": "repair", "journal": None, "limits": limits}
        runner = make_runner(settings.model_copy(update=changes))
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            runner.app[SERVICES].prober.take(self.gathered.model, known, conceded(known))
            host, port = runner.addresses[0][:2]
            yield f"http://{host}:{port}"
        finally:
            await runner.cleanup()

    # -- asking

    def _asks(self, server: Server) -> Ask:
        async def ask(body: Mapping[str, Any]) -> Answer:
            self._allowed()
            try:
                answer = await server.ask(body)
            except Trouble as trouble:
                self._count(trouble)
                raise
            self._silent = 0
            self.gathered.purse.paid(answer.tokens)
            return answer

        return ask

    def _posts(self, server: Server) -> Callable[[str, Mapping[str, Any]], Awaitable[Any]]:
        async def post(path: str, body: Mapping[str, Any]) -> Any:
            self._allowed()
            return await server.post(path, body)

        return post

    def _allowed(self) -> None:
        if self._silent >= GONE:
            raise Spent(f"the server gave no answer {GONE} times in a row")
        self.gathered.purse.take()

    def _count(self, trouble: Trouble) -> None:
        gone = trouble.kind in ("down", "host", "timeout", "broke-off", "tls")
        self._silent = self._silent + 1 if gone else 0

    # -- playing and checking

    async def _play(self, direct: Server, toolmend: Server, glass: Glass) -> None:
        """Play all scenarios in all ways, and look twice at what fails directly."""
        asks: Mapping[Via, Ask] = {"direct": self._asks(direct), "toolmend": self._asks(toolmend)}
        for way in ways(self._order.repeats, ("direct", "toolmend"), self._order.levels):
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
        self._allowed()
        look = await glass.look(
            turn.body, trial.way.scenario.steps[trial.steps].wants, opened=gathered.shown.opened, around=around
        )
        if look is not None:
            gathered.purse.paid(look.tokens)
            gathered.looks.append((trial.way, turn, look))

    async def _check(self, direct: Server) -> None:
        """Ask the small questions that are left."""
        gathered, ask = self.gathered, self._asks(direct)
        full = next((trial.turns[-1].answer for trial in gathered.trials if _called(trial)), None)
        if full is not None and full.completion is not None:
            gathered.cut = await checks.cut(gathered.model, full.completion, ask)
        gathered.plain = await checks.plain(gathered.model, ask)
        self._step(checks.REQUESTS)


def _called(trial: Trial) -> bool:
    """Tell whether a play shows what a call takes when nothing cuts it."""
    way = trial.way
    return trial.right and (way.level, way.via, way.protocol) == (1, "direct", "native")
