"""Starts a real llama-server with a tiny random model on loopback, and a relay that has its first answer said to order."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.conftest import listen
from tests.e2e.servers.tiny_gguf import gguf
from tests.fake_servers import asked

BINARY = os.environ.get("TOOLMEND_LLAMA_SERVER", "")
START = 60.0
"""Seconds that a server may take to start."""


@pytest.fixture(scope="session")
def llama_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run llama-server, and give its URL."""
    folder = tmp_path_factory.mktemp("llama")
    model = folder / "tiny.gguf"
    model.write_bytes(gguf())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [
        BINARY,
        "-m",
        str(model),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--alias",
        "tiny",
        "-c",
        "8192",
        "-np",
        "1",
        "-t",
        "1",
    ]
    with (folder / "log").open("wb") as log, subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            assert _answers(f"{url}/health", process), (folder / "log").read_text(errors="replace")[-2000:]
            yield url
        finally:
            process.terminate()


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + START
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    return False


@dataclass
class Relay:
    """Passes requests on. One that asks for no JSON gets `script`: the server says it token by token, under a grammar of it."""

    upstream: str
    script: str = ""
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)

    async def chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        if not asked(body) and "logprobs" not in body:
            body = {**body, "tool_choice": "none", "grammar": f"root ::= {_literal(self.script)}"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.upstream}/v1/chat/completions", json=body) as answer,
        ):
            response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.headers["Content-Type"]})
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            await response.write_eof()
            return response


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


@pytest.fixture
async def relay(llama_server: str) -> AsyncIterator[Relay]:
    """Put a relay before llama-server."""
    made = Relay(llama_server)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", made.chat)
    runner = web.AppRunner(app, access_log=None)
    made.url = await listen(runner)
    yield made
    await runner.cleanup()
