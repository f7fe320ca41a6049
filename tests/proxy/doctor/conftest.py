"""Runs simulated servers in a thread of their own, and the doctor against them as the command does."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiohttp import web

from proxy.doctor.command import Output, run
from proxy.doctor.options import understood
from tests.conftest import listen
from tests.proxy.doctor.server import Server

GIVEN: dict[str, Any] = {
    "upstream": "",
    "model": "",
    "proxy": None,
    "config": None,
    "upstream_ca": None,
    "level": (),
    "repeats": 1,
    "timeout": 5.0,
    "answer_tokens": 2048,
    "requests": None,
    "tokens": 1_000_000,
    "as_json": True,
    "write": None,
    "force": False,
}


@contextmanager
def serving(app: web.Application) -> Iterator[str]:
    """Serve in another thread, and give the URL."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    try:
        yield asyncio.run_coroutine_threadsafe(listen(runner), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


class Report(dict[str, Any]):
    """The JSON that the doctor prints."""

    def codes(self, weight: str = "") -> set[str]:
        """Return the codes of the findings, of all weights or of one."""
        return {each["code"] for each in self["findings"] if weight in ("", each["weight"])}

    def finding(self, code: str) -> dict[str, Any]:
        """Return a finding."""
        return next(each for each in self["findings"] if each["code"] == code)

    def right(self, **where: Any) -> set[bool]:
        """Return whether the plays at a place came out right."""
        return {play["right"] for play in self["plays"] if all(play[name] == value for name, value in where.items())}


Examine = Callable[..., Report]


@pytest.fixture
def at(capsys: pytest.CaptureFixture[str]) -> Examine:
    """Run the doctor against a URL; options are those of the command."""

    def examine(url: str, *, key: str | None = None, **options: Any) -> Report:
        order, purse, output = understood({**GIVEN, "upstream": url, **options}, {"upstream_key": key, "client_key": None})
        code = run(order, purse, Output(True, output.write, output.force))
        report = Report(json.loads(capsys.readouterr().out))
        assert report["exit"] == code
        return report

    return examine


@pytest.fixture
def examined(at: Examine) -> Examine:
    """Run the doctor against a simulated server, started in some way."""

    def examine(server: Server, **options: Any) -> Report:
        with serving(server.app()) as url:
            return at(url, **options)

    return examine
