"""Gets to know a server before it is examined, and starts a toolmend in front of it that knows as much."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from proxy.app import SERVERS
from proxy.capabilities import Capabilities, conceded
from proxy.doctor.gathered import Gathered
from proxy.doctor.order import Order
from proxy.doctor.wire import Server, Trouble
from proxy.errors import Fault
from proxy.probe import REQUESTS, Denied, NotThere, Round
from proxy.profiles import choose, load
from proxy.reading import as_dict, as_list, as_text
from proxy.serve import make_runner
from proxy.settings import Settings
from proxy.upstream import Upstream


async def meet(server: Server, order: Order, gathered: Gathered) -> bool:
    """Find the model that is meant. Says whether it can be examined; why not stands in what is gathered. Raises Spent."""
    gathered.purse.take()
    try:
        listed = as_list(as_dict(await server.get("/v1/models")).get("data"))
    except Trouble as trouble:
        if not (order.model and trouble.status in (404, 405)):
            gathered.trouble = trouble
            return False
        listed = []
    gathered.models = tuple(filter(None, (as_text(as_dict(each).get("id")) for each in listed)))
    gathered.model = order.model or (gathered.models[0] if len(gathered.models) == 1 else "")
    if not gathered.model or (gathered.models and gathered.model not in gathered.models):
        return False
    gathered.tables = order.settings.profile
    gathered.profile = choose(gathered.model, load(order.settings.profile))
    return True


async def probe(upstream: Upstream, order: Order, gathered: Gathered) -> None:
    """Ask what the server can do, as toolmend does at its start. What goes wrong shows later, with the server's own words."""
    assert gathered.profile is not None
    asking = Round(upstream, upstream.headers({}))
    try:
        async with asyncio.timeout(order.seconds):
            look = await asking.look()
            gathered.known = look.of(gathered.model)
            gathered.known, _ = await asking.find(gathered.model, gathered.known, gathered.profile.reads[0])
    except (NotThere, Denied, Fault, TimeoutError):
        pass
    gathered.purse.asked += REQUESTS - asking.left
    gathered.purse.paid(asking.tokens)


@asynccontextmanager
async def started(settings: Settings, model: str, known: Capabilities) -> AsyncIterator[str]:
    """Run a toolmend on a port of loopback that asks nothing by itself, and yield its URL."""
    limits = settings.limits.model_copy(update={"drain_seconds": 1.0})
    changes = {"host": "127.0.0.1", "port": 0, "probe": False, "mode": "repair", "journal": None, "limits": limits}
    runner = make_runner(settings.model_copy(update=changes))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        runner.app[SERVERS].default.prober.take(model, known, conceded(known))
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
