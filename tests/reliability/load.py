"""A client that asks as many do, reads every byte, and knows when each came."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

from proxy.upstream import LARGE
from tests.conftest import BASH, MODEL

ASK: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "go"}], "tools": [BASH]}
"""A request with one tool, so that its answer is looked at."""


@dataclass
class Came:
    """One answer, whole or streamed, as it came.

    moments  monotonic seconds of each piece
    error    name of the exception that ended it; empty: it ended as HTTP ends
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    data: bytes = b""
    moments: list[float] = field(default_factory=list)
    error: str = ""
    seconds: float = 0.0

    @property
    def events(self) -> list[Any]:
        """The events of a stream but for `[DONE]`, read; comments are none."""
        lines = [line[6:] for line in self.data.split(b"\n") if line.startswith(b"data: ")]
        return [orjson.loads(line) for line in lines if line.strip() != b"[DONE]"]

    @property
    def whole(self) -> list[Any]:
        """The one object of an answer that is no stream; nothing where it is one."""
        return [orjson.loads(self.data)] if self.data.lstrip()[:1] == b"{" else []

    @property
    def done(self) -> bool:
        """Whether the stream says that it is over."""
        return b"data: [DONE]" in self.data

    @property
    def text(self) -> str:
        """The text that a client would show."""
        return "".join(delta.get("content") or "" for delta in self._deltas())

    @property
    def calls(self) -> dict[int, dict[str, str]]:
        """Names and arguments of the calls, put together by index."""
        made: dict[int, dict[str, str]] = {}
        for delta in self._deltas():
            for at, part in enumerate(delta.get("tool_calls") or []):
                call = made.setdefault(part.get("index", at), {"name": "", "arguments": ""})
                function = part.get("function") or {}
                call["name"] += function.get("name") or ""
                call["arguments"] += function.get("arguments") or ""
        return made

    @property
    def finish(self) -> str | None:
        """The reason why the answer ended, where it tells one."""
        reasons = [choice.get("finish_reason") for choice in self._choices()]
        return next((each for each in reversed(reasons) if each), None)

    def _choices(self) -> list[Any]:
        return [choice for each in self.whole or self.events for choice in each.get("choices") or []]

    def _deltas(self) -> list[Any]:
        return [choice.get("delta") or choice.get("message") or {} for choice in self._choices()]


async def ask(session: aiohttp.ClientSession, url: str, *, path: str = "/v1/chat/completions", **body: Any) -> Came:
    """Ask once, and read to the end, whatever the end is."""
    came, began = Came(), time.monotonic()
    data = orjson.dumps({**ASK, **body})
    try:
        async with session.post(url + path, data=io.BytesIO(data) if len(data) > LARGE else data, headers=JSON) as answer:
            came.status, came.headers = answer.status, {name.lower(): value for name, value in answer.headers.items()}
            async for piece in answer.content.iter_any():
                came.moments.append(time.monotonic())
                came.data += piece
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        came.error = type(error).__name__
    came.seconds = time.monotonic() - began
    return came


JSON = {"Content-Type": "application/json"}


def unbounded() -> aiohttp.ClientSession:
    """Return a session that opens as many connections as it is asked for, a new one each time."""
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    return aiohttp.ClientSession(
        connector=connector, timeout=aiohttp.ClientTimeout(total=None), cookie_jar=aiohttp.DummyCookieJar()
    )


def streamed(text: str, piece: int = 4_000) -> list[bytes]:
    """Write a text as a stream of content, as a server sends that batches tokens."""

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return b"data: " + orjson.dumps({"id": "a", "created": 1, "model": "m", "choices": [choice]}) + b"\n\n"

    return [
        *(chunk({"content": text[at : at + piece]}) for at in range(0, len(text), piece)),
        chunk({}, "stop"),
        b"data: [DONE]\n\n",
    ]
