"""Rows F2 and F3 side by side: an answer is cut; does the client notice, as the official SDK reads it?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx2
import openai
import orjson
import pytest

from tests.conftest import BASH, MODEL
from tests.reliability.anchors.conftest import Side
from tests.reliability.anchors.page import table
from tests.reliability.anchors.upstream import Asked, Connection

pytestmark = pytest.mark.e2e_anchors

HEAD = b'{"id":"chatcmpl-sim","object":"chat.completion.chunk","created":1700000000,"model":"gemma-4-26b",'
ARGUMENTS = '{"command": "rm -rf /workspace/build", "timeout": 30}'


def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    """Write one event of a stream."""
    return b"data: " + HEAD + b'"choices":' + orjson.dumps([{"index": 0, "delta": delta, "finish_reason": finish}]) + b"}\n\n"


def called(**function: str) -> dict[str, Any]:
    """Write the delta of a call."""
    first = {"id": "call-1", "type": "function"} if "name" in function else {}
    return {"tool_calls": [{"index": 0, **first, "function": function}]}


TEXT = [event({"role": "assistant", "content": ""}), *(event({"content": f"word {at} "}) for at in range(20))]
CALL = [
    event({"role": "assistant", "content": None}),
    event(called(name="bash", arguments="")),
    *(event(called(arguments=ARGUMENTS[at : at + 5])) for at in range(0, 37, 5)),
]
"""A call that is cut in the midst of its arguments."""

WHOLE = orjson.dumps(
    {
        "id": "chatcmpl-sim",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": MODEL,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "word " * 200}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 200, "total_tokens": 210},
    }
)
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
OBJECT = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def chunk(data: bytes) -> bytes:
    """Write a chunk."""
    return b"%x\r\n%s\r\n" % (len(data), data)


Ending = Callable[[Connection, bytes, list[bytes]], Awaitable[None]]
"""Sends a head and pieces of a body, and ends wrongly."""


async def chunked(connection: Connection, head: bytes, pieces: list[bytes]) -> None:
    """FIN, and no last chunk."""
    await connection.send(head + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(map(chunk, pieces)))


async def chunked_in_a_chunk(connection: Connection, head: bytes, pieces: list[bytes]) -> None:
    """FIN in the midst of a chunk."""
    await connection.send((head + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(map(chunk, pieces)))[:-20])


async def chunked_reset(connection: Connection, head: bytes, pieces: list[bytes]) -> None:
    """RST, and no last chunk."""
    await chunked(connection, head, pieces)
    await asyncio.sleep(0.2)
    connection.reset()


async def ended(connection: Connection, head: bytes, pieces: list[bytes]) -> None:
    """The last chunk comes: for HTTP the answer is complete."""
    await connection.send(head + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(map(chunk, pieces)) + b"0\r\n\r\n")


async def closed(connection: Connection, head: bytes, pieces: list[bytes]) -> None:
    """No length at all: the end of the connection is the end of the answer."""
    await connection.send(head + b"Connection: close\r\n\r\n" + b"".join(pieces))


async def closed_reset(connection: Connection, head: bytes, pieces: list[bytes]) -> None:
    """No length at all, and RST."""
    await closed(connection, head, pieces)
    await asyncio.sleep(0.2)
    connection.reset()


async def measured(connection: Connection, head: bytes, pieces: list[bytes]) -> None:
    """FIN before the Content-Length."""
    await connection.send(head + b"Content-Length: 50000\r\n\r\n" + b"".join(pieces))


async def measured_reset(connection: Connection, head: bytes, pieces: list[bytes]) -> None:
    """RST before the Content-Length."""
    await measured(connection, head, pieces)
    await asyncio.sleep(0.2)
    connection.reset()


ENDINGS: dict[str, Ending] = {
    "chunked, FIN before the last chunk": chunked,
    "chunked, FIN in a chunk": chunked_in_a_chunk,
    "chunked, RST": chunked_reset,
    "chunked, ended properly": ended,
    "until the connection closes, FIN": closed,
    "until the connection closes, RST": closed_reset,
    "Content-Length, FIN before it": measured,
    "Content-Length, RST before it": measured_reset,
}


@dataclass(frozen=True)
class Way:
    """How a server is asked. `headers`: for toolmend's modes; `tools`: without them toolmend relays."""

    name: str
    server: str
    tools: bool
    headers: dict[str, str]


def ways(side: Side) -> list[Way]:
    """List toolmend in its modes, then the others."""
    ours = [
        Way("toolmend", "toolmend", True, {}),
        Way("toolmend, no tools", "toolmend", False, {}),
        Way("toolmend, observe", "toolmend", True, {"x-toolmend-mode": "observe"}),
        Way("toolmend, off", "toolmend", True, {"x-toolmend-mode": "off"}),
    ]
    return [*ours, *(Way(name, name, True, {}) for name in side.urls if name != "toolmend")]


async def read(url: str, way: Way, *, stream: bool) -> str:
    """Ask through the SDK; say whether it raised, or what the answer looks like."""
    body: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "go"}]}
    if way.tools:
        body["tools"] = [BASH]
    async with openai.AsyncOpenAI(
        base_url=f"{url}/v1", api_key="k", max_retries=0, timeout=30, default_headers=way.headers
    ) as client:
        try:
            return await _streamed(client, body) if stream else await _whole(client, body)
        except (openai.OpenAIError, httpx2.HTTPError):
            return "error"
        except ValueError:
            return "error"  # a whole answer that is no JSON


async def _streamed(client: openai.AsyncOpenAI, body: dict[str, Any]) -> str:
    finish = None
    async for part in await client.chat.completions.create(**body, stream=True):
        for choice in part.choices:
            finish = choice.finish_reason or finish
    return f"**complete** ({finish})" if finish else "no end"


async def _whole(client: openai.AsyncOpenAI, body: dict[str, Any]) -> str:
    answer = await client.chat.completions.create(**body)
    return f"**complete** ({answer.choices[0].finish_reason})" if answer.choices else "no end"


@dataclass(frozen=True)
class Cut:
    """What is cut, and how."""

    what: str
    stream: bool
    pieces: tuple[bytes, ...]
    how: str

    async def answer(self, asked: Asked, connection: Connection) -> bool:
        """Answer as a stream where one is asked for: toolmend asks for one where its client did not."""
        pieces, head = (list(self.pieces), STREAM) if asked.streamed else ([WHOLE[:500]], OBJECT)
        await ENDINGS[self.how](connection, head, pieces)
        return self.how == "chunked, ended properly"


CUTS = [
    *(Cut("text, streamed", True, tuple(TEXT), how) for how in ENDINGS),
    *(Cut("a call, streamed", True, tuple(CALL), how) for how in ENDINGS),
    *(Cut("whole answer", False, tuple(TEXT), how) for how in ENDINGS),
]


async def seen(side: Side, cut: Cut, way: Way) -> str:
    """Put one cut to one server."""
    side.upstream.answer = cut.answer
    return await read(side.urls[way.server], way, stream=cut.stream)


async def test_a_cut_answer_never_looks_complete(everyone: Side) -> None:
    side, asked = everyone, ways(everyone)
    found = {cut: [await seen(side, cut, way) for way in asked] for cut in CUTS}
    side.page.parts["truncation"] = [
        "### Answers that are cut (F2, F3)",
        "",
        f"{len(CUTS)} cuts, each read by the official SDK (openai {openai.__version__}, no retries).",
        "",
        *table(
            ["", *(way.name for way in asked)],
            [
                ("looks complete", *(_count(found, at, "**complete") for at in range(len(asked)))),
                ("no end", *(_count(found, at, "no end") for at in range(len(asked)))),
                ("error", *(_count(found, at, "error") for at in range(len(asked)))),
                *((f"{cut.what}: {cut.how}", *words) for cut, words in found.items()),
            ],
        ),
    ]
    ours = [at for at, way in enumerate(asked) if way.server == "toolmend"]
    assert [(cut, at) for cut, words in found.items() for at in ours if "complete" in words[at]] == []
    assert [cut for cut, words in found.items() if words[0] != "error"] == []


def _count(found: dict[Cut, list[str]], at: int, word: str) -> str:
    return f"{sum(words[at].startswith(word) for words in found.values())} of {len(found)}"
