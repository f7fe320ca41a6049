"""What tests share: a fake vLLM, toolmend in front of it, and the official OpenAI SDK as the client, whole and streamed."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import openai
import orjson
import pytest
import structlog
from aiohttp import web

from proxy.serve import make_runner
from proxy.settings import Settings
from rules import kept
from tests.fake_vllm import FakeVllm

hypothesis.settings.register_profile("toolmend", deadline=None)  # a busy machine is no fault of the code
hypothesis.settings.load_profile("toolmend")

MODEL = "gemma-4-26b"

BASH = {
    "type": "function",
    "function": {
        "name": "bash",
        "description": "Run a command.",
        "parameters": {
            "type": "object",
            "properties": {"command": {"type": "string"}, "timeout": {"type": "integer"}},
            "required": ["command"],
        },
    },
}

WAIT = {
    "type": "function",
    "function": {
        "name": "wait",
        "parameters": {
            "type": "object",
            "properties": {"seconds": {"type": "integer", "anyOf": [{"minimum": 1}]}},
            "required": ["seconds"],
        },
    },
}


@dataclass(frozen=True)
class Seen:
    """A reply as the SDK read it. `calls` are names with parsed arguments; `headers` are toolmend's own."""

    text: str
    calls: list[tuple[str, Any]]
    finish: str | None
    usage: Any
    headers: dict[str, str]
    reasoning: str = ""
    ids: tuple[str, ...] = ()


@dataclass
class Proxy:
    """A running toolmend."""

    url: str
    vllm: FakeVllm
    stream: bool

    async def ask(self, content: Any = "go", **body: Any) -> Seen:
        """Ask through the SDK, as the test's mode says."""
        body = {"model": MODEL, "messages": [{"role": "user", "content": content}], **body}
        async with openai.AsyncOpenAI(base_url=f"{self.url}/v1", api_key="k", max_retries=0, timeout=20) as client:
            if self.stream:
                return await read_stream(client, body)
            raw = await client.chat.completions.with_raw_response.create(**body)
            answer = raw.parse()
            message = answer.choices[0].message
            calls = message.tool_calls or []
            return Seen(
                message.content or "",
                [(call.function.name, json.loads(call.function.arguments)) for call in calls],
                answer.choices[0].finish_reason,
                answer.usage,
                notes(raw.headers),
                getattr(message, "reasoning_content", None) or "",
                tuple(call.id for call in calls),
            )


def notes(headers: Any) -> dict[str, str]:
    """Pick toolmend's own headers."""
    return {name.lower(): value for name, value in headers.items() if name.lower().startswith("x-toolmend")}


async def read_stream(client: openai.AsyncOpenAI, body: dict[str, Any]) -> Seen:
    """Read a streamed reply and put it together as a strict client does: a name comes once, arguments grow."""
    raw = await client.chat.completions.with_raw_response.create(**body, stream=True, stream_options={"include_usage": True})
    text, reasoning, finish, usage = "", "", None, None
    calls: dict[int, dict[str, str]] = {}
    async for chunk in raw.parse():
        usage = chunk.usage or usage
        for choice in chunk.choices:
            assert finish is None, "something came after the finish reason"
            finish = choice.finish_reason
            text += choice.delta.content or ""
            reasoning += getattr(choice.delta, "reasoning_content", None) or ""
            for call in choice.delta.tool_calls or []:
                if call.index not in calls:
                    assert call.id, "a call opened without its id"
                    assert call.function.name, "a call opened without its name"
                    calls[call.index] = {"id": call.id, "name": call.function.name, "arguments": ""}
                calls[call.index]["arguments"] += call.function.arguments or ""
    made = [calls[index] for index in sorted(calls)]
    return Seen(
        text,
        [(call["name"], json.loads(call["arguments"])) for call in made],
        finish,
        usage,
        notes(raw.headers),
        reasoning,
        tuple(call["id"] for call in made),
    )


@pytest.fixture(autouse=True)
def nothing_changes_what_is_kept() -> Iterator[None]:
    """Hold everything to the rule of `rules/kept.py`: a value that other requests get as well stays what its bytes say."""
    yield
    for raw, each in kept._kept.items():
        assert orjson.loads(raw) == each.value


@pytest.fixture(autouse=True)
def logs_as_at_first() -> Iterator[None]:
    """Undo what a test has made of the process's logs: commands that run in it set them up for themselves."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run a test of commands in an empty folder, without variables of ours."""
    for name in os.environ:
        if name.startswith("TOOLMEND_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=["whole", "stream"])
def stream(request: pytest.FixtureRequest) -> bool:
    """Run a test of the chat route both ways."""
    return bool(request.param == "stream")


async def listen(runner: web.AppRunner) -> str:
    """Start a server on loopback and return its URL."""
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}"


@pytest.fixture
async def vllm() -> AsyncIterator[FakeVllm]:
    """A fake vLLM."""
    fake = FakeVllm()
    runner = web.AppRunner(fake.app(), handler_cancellation=True, access_log=None)
    fake.url = await listen(runner)
    yield fake
    await runner.cleanup()


Start = Callable[..., Awaitable[str]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start toolmend with any settings; it ends with the test. Unless told to, it asks the model server nothing by itself."""
    runners: list[web.AppRunner] = []

    async def begin(**settings: Any) -> str:
        runners.append(make_runner(Settings(**{"probe": False, **settings})))
        return await listen(runners[-1])

    yield begin
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def proxy(vllm: FakeVllm, start: Start, stream: bool) -> Proxy:
    """Toolmend in front of the fake vLLM, with default settings."""
    return Proxy(await start(upstream=vllm.url), vllm, stream)
