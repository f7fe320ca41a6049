"""A server of bytes: it reads a request as it should be read, and answers with whatever it was told."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Script = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]
"""What is sent, after which the connection ends; or what does the sending itself."""


@dataclass
class Hostile:
    """`answers` are given in order, the last one again and again. `requests`: what was asked, head and body."""

    answers: list[Script] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)
    url: str = ""
    live: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.live += 1
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            body = await reader.readexactly(int(length[1])) if length else b""
            self.requests.append(head + body)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(writer)
        except (OSError, EOFError):
            pass
        finally:
            self.live -= 1
            writer.close()


def response(body: bytes, *headers: str, status: str = "200 OK", kind: str = "application/json") -> bytes:
    """Write a plain answer with its length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@asynccontextmanager
async def listening(serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[str]:
    """Serve connections on loopback by a function; yield the base URL."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@asynccontextmanager
async def hostile(*answers: Script) -> AsyncIterator[Hostile]:
    """Serve on loopback."""
    made = Hostile(list(answers))
    async with listening(made.serve) as made.url:
        yield made
