"""Plays the demonstration: the same simulated model and agent, once direct and once through toolmend."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from aiohttp import web

from proxy.demo.agent import Run, work
from proxy.demo.model import MODEL, make_model
from proxy.serve import configure_logs, make_runner, serve
from proxy.settings import Settings

TURNS = 8
"""Turns the agent is given. OpenHands would go on to 500; the error does not change."""


@asynccontextmanager
async def listening(runner: web.AppRunner, port: int = 0) -> AsyncIterator[str]:
    """Run a server on loopback and yield its URL."""
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        host, bound = runner.addresses[0][:2]
        yield f"http://{host}:{bound}"
    finally:
        await runner.cleanup()


def model_runner() -> web.AppRunner:
    """Build the runner of the simulated model."""
    return web.AppRunner(make_model(), handler_cancellation=True, access_log=None)


def run() -> int:
    """Play both runs and print them. Returns the exit code: 0 where toolmend made the difference."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    direct, mended = asyncio.run(_play())
    print("\nside by side            errors   turns   task finished")
    for title, each in (("direct", direct), ("through toolmend", mended)):
        print(f"  {title:<20} {each.errors:>7} {len(each.lines):>7}   {'yes' if each.finished else 'no'}")
    return 0 if mended.finished and not direct.finished else 1


async def _play() -> tuple[Run, Run]:
    print("This is a SIMULATION: no model runs. A scripted one makes the errors that Gemma 4 made under OpenHands;")
    print("the agent, its tools and toolmend are real. Task: fix the bug in calc.py.\n")
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        async with listening(model_runner()) as model:
            print(f"1. The agent speaks to the model directly, for at most {TURNS} turns:")
            direct = await work(model, MODEL, Path(first), TURNS, _tell)
            async with listening(make_runner(Settings(upstream=model, probe=False))) as proxy:
                print("\n2. The same agent and model, with toolmend between them:")
                mended = await work(proxy, MODEL, Path(second), TURNS, _tell)
    return direct, mended


def _tell(line: str) -> None:
    print(f"   {line}")


def run_server(port: int) -> int:
    """Keep the simulated model and a toolmend in front of it running until stopped. Returns the exit code."""
    configure_logs()
    return asyncio.run(_serve(port))


async def _serve(port: int) -> int:
    async with listening(model_runner()) as model:
        print(f"SIMULATION: no model runs. Model name: {MODEL}. Put a real one here with UPSTREAM=http://host:8000", flush=True)
        return await serve(Settings(upstream=model, port=port, probe=False))
