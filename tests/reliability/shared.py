"""One toolmend for many tests: it starts once, and is held to the invariants after each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from tests.conftest import listen
from tests.fake_vllm import FakeVllm
from tests.reliability.hostile import Hostile, hostile, response
from tests.reliability.load import ask, unbounded
from tests.reliability.stand import Toolmend, toolmend

HOSTILE_MODEL = "hostile-1"
"""The model that the hostile server serves."""

BODY_SECONDS = 3
"""Seconds that a body may take to come."""

CONFIG = """
[limits]
body_seconds = {body}

[[server]]
url = "{hostile}"
models = ["hostile*"]
"""


@dataclass
class Shared:
    """`hostile` is asked for its own model, `vllm` for all others. `elsewhere`: a server, and a proxy in the environment, that
    nobody is to ask."""

    toolmend: Toolmend
    vllm: FakeVllm
    hostile: Hostile
    elsewhere: Hostile

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.toolmend.url

    def forget(self) -> None:
        """Begin anew with what the servers count."""
        for each in (self.vllm.requests, self.vllm.bodies, self.vllm.headers, self.vllm.gets):
            each.clear()
        for server in (self.hostile, self.elsewhere):
            server.requests.clear()
        self.vllm.aborted = self.vllm.peak = 0
        self.vllm.says("fine")

    @property
    def asked(self) -> list[bytes]:
        """Bodies that reached the model server, and the paths of what has none."""
        return [*self.vllm.bodies, *(path.encode() for path in self.vllm.gets)]


async def begin_checker(made: Toolmend, vllm: FakeVllm) -> None:
    """Have the process that checks schemas started, and count its pipes to what there was at first."""
    schema = {"type": "object", "properties": {"x": {"type": "string", "pattern": "y"}}}
    vllm.says('<|tool_call>call:act{x:<|"|>y<|"|>}<tool_call|>')
    async with unbounded() as session:
        for _ in range(5):  # a busy machine may take longer to start it than anybody waits for it
            await ask(session, made.url, tools=[{"type": "function", "function": {"name": "act", "parameters": schema}}])
            if made.children():
                break
    made.base = await made.reading()


@asynccontextmanager
async def sharing(folder: Path) -> AsyncIterator[Shared]:
    """Start it with a journal, before two servers."""
    vllm = FakeVllm()
    runner = web.AppRunner(vllm.app(), handler_cancellation=True, access_log=None)
    vllm.url = await listen(runner)
    vllm.says("fine")
    try:
        async with hostile(response(b"{}")) as bad, hostile(response(b"{}")) as elsewhere:
            proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"), elsewhere.url)
            config, options = CONFIG.format(hostile=bad.url, body=BODY_SECONDS), ("--journal", str(folder / "journal"))
            async with toolmend(
                folder, vllm.url, *options, config=config, environment=proxies, live=lambda: vllm.live + bad.live
            ) as made:
                await begin_checker(made, vllm)
                yield Shared(made, vllm, bad, elsewhere)
    finally:
        await runner.cleanup()
