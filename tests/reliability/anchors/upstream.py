"""A model server of bytes on a port that stays: it reads strictly, notes all that comes, and answers as it is told."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import orjson

PLAIN = b'{"id":"chatcmpl-sim","object":"chat.completion","created":1700000000,"model":"gemma-4-26b","choices":[{"index":0,"message":{"role":"assistant","content":"ok"},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}'


class Unclear(Exception):
    """A request that another reader could read in another way."""


@dataclass
class Asked:
    """One request as it came. `unclear` says why another reader might read it differently; empty: nobody would."""

    head: bytes
    body: bytes = b""
    unclear: str = ""

    @property
    def target(self) -> str:
        return self.head.split(b"\r\n", 1)[0].split(b" ")[1].decode("latin-1") if self.head.count(b" ") > 1 else ""

    @property
    def streamed(self) -> bool:
        """Whether a stream is asked for."""
        with suppress(orjson.JSONDecodeError, AttributeError):
            return bool(orjson.loads(self.body).get("stream"))
        return False


@dataclass
class Connection:
    """Both directions of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """End by RST: without SO_LINGER of 0 a socket that has read everything ends by FIN."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def left(self) -> None:
        """Wait until the other side has gone."""
        with suppress(ConnectionError):
            while await self.reader.read(65_536):
                pass


Answer = Callable[[Asked, Connection], Awaitable[bool]]
"""Answers one request; says whether the connection may be used again."""


async def plain(asked: Asked, connection: Connection) -> bool:
    """Answer anything with a small, right answer."""
    await connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(PLAIN) + PLAIN)
    return True


@dataclass
class Upstream:
    """`asked`: all requests so far."""

    port: int
    answer: Answer = plain
    asked: list[Asked] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(Connection(reader, writer))
        except (OSError, EOFError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, connection: Connection) -> None:
        while asked := await read_request(connection.reader):
            self.asked.append(asked)
            if not await self.answer(asked, connection) or asked.unclear:
                return

    async def close(self) -> None:
        """End all connections."""
        for each in list(self._tasks):
            each.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def read_request(reader: asyncio.StreamReader) -> Asked | None:
    """Read one request; None where the connection ends between two."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        return Asked(end.partial, b"", "cut, or ended by something else than CRLF CRLF") if end.partial.strip() else None
    asked = Asked(head)
    try:
        asked.body = await _body(reader, head)
    except (Unclear, ValueError) as error:
        asked.unclear = str(error)
    return asked


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    request, *lines = head[:-4].split(b"\r\n")
    if request.count(b" ") != 2 or request[-9:] not in (b" HTTP/1.1", b" HTTP/1.0"):
        raise Unclear(f"request line {request!r}")
    if any(byte in head.replace(b"\r\n", b"") for byte in b"\r\n\0") or any(line[:1] in b" \t" for line in lines):
        raise Unclear("control characters or folded lines")
    fields = [(name.lower(), value.strip(b" \t")) for name, _, value in (line.partition(b":") for line in lines)]
    lengths = [value for name, value in fields if name.strip() == b"content-length"]
    codings = [value.lower() for name, value in fields if name.strip() == b"transfer-encoding"]
    if any(name != name.strip() for name, _ in fields):
        raise Unclear("a space in a field's name")
    if len(lengths) + len(codings) > 1 or codings not in ([], [b"chunked"]) or not all(each.isdigit() for each in lengths):
        raise Unclear(f"Content-Length {lengths}, Transfer-Encoding {codings}")
    if codings:
        return await _chunks(reader)
    return await reader.readexactly(int(lengths[0])) if lengths else b""


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while True:
        line = await reader.readuntil(b"\n")
        size = line.removesuffix(b"\r\n")
        if not size or any(byte not in b"0123456789abcdefABCDEF" for byte in size):
            raise Unclear(f"chunk size {line!r}")
        body += await reader.readexactly(int(size, 16))
        if int(size, 16) == 0:
            while await reader.readuntil(b"\n") != b"\r\n":
                pass
            return body
        if await reader.readexactly(2) != b"\r\n":
            raise Unclear("chunk without its end")


@asynccontextmanager
async def serving(port: int) -> AsyncIterator[Upstream]:
    """Serve on a port of loopback."""
    made = Upstream(port)
    server = await asyncio.start_server(made.taken, "127.0.0.1", port, limit=1 << 20)
    try:
        yield made
    finally:
        server.close()
        await made.close()
