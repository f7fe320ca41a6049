"""A toolmend whose metrics are read over HTTP, as Prometheus reads them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from proxy.metrics import METRICS, Metrics
from proxy.serve import make_runner, metrics_runner
from proxy.settings import Settings
from tests.conftest import listen

Series = tuple[str, frozenset[tuple[str, str]]]


@dataclass(frozen=True)
class Metered:
    """Where it serves, and where its metrics are."""

    url: str
    metrics_url: str
    metrics: Metrics

    async def text(self) -> str:
        """Scrape."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.metrics_url}/metrics") as answer:
            assert answer.status == 200
            return await answer.text()

    async def samples(self) -> dict[Series, float]:
        """Scrape, and return each series with its value."""
        families = text_string_to_metric_families(await self.text())
        return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}

    async def value(self, name: str, **labels: str) -> float:
        """Add up the series of a name that have these labels."""
        found = await self.samples()
        return sum(value for (each, given), value in found.items() if each == name and labels.items() <= dict(given).items())


@asynccontextmanager
async def metered(**settings: Any) -> AsyncIterator[Metered]:
    """Serve, with the metrics beside it."""
    runner = make_runner(Settings(**{"probe": False, **settings}))
    url = await listen(runner)
    beside: web.AppRunner = await metrics_runner(runner.app)
    try:
        yield Metered(url, await listen(beside), runner.app[METRICS])
    finally:
        await beside.cleanup()
        await runner.cleanup()
