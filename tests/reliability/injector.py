"""A TCP relay that does to a connection what networks do: delays, drips, slices, cuts, resets, stalls, closes late."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

PIECE = 65_536


@dataclass
class Faults:
    """What is done to one direction of a connection.

    latency  seconds before each piece
    rate     bytes a second; 0: as fast as it goes
    slice    bytes of a write; 0: as they come
    cut      bytes after which the connection ends, both ways; None: never
    reset    it then ends by RST, not FIN
    stall    bytes after which nothing more comes, and nothing ends; None: never
    linger   seconds between the end of what comes and telling of it
    """

    latency: float = 0.0
    rate: float = 0.0
    slice: int = 0
    cut: int | None = None
    reset: bool = False
    stall: int | None = None
    linger: float = 0.0


@dataclass
class Injector:
    """Listens on loopback and passes on to `target` (a base URL). `up`: from client to server, `down`: back.

    Faults that are changed hold for connections that are open as well.
    """

    target: str
    up: Faults = field(default_factory=Faults)
    down: Faults = field(default_factory=Faults)
    url: str = ""
    opened: int = 0
    live: int = 0
    _server: asyncio.Server | None = None
    _port: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def listen(self) -> Self:
        """Begin, or begin again on the same port."""
        self._server = await asyncio.start_server(self._taken, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        return self

    async def refuse(self) -> None:
        """Stop listening: connections are refused. What is open goes on."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def drop(self) -> None:
        """Stop listening, and reset what is open."""
        await self.refuse()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.opened += 1
        self.live += 1
        try:
            await self._pass_on(reader, writer)
        except (asyncio.CancelledError, OSError):
            reset(writer)
        finally:
            self.live -= 1
            self._tasks.discard(task)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parts = urlsplit(self.target)
        there, back = await asyncio.open_connection(parts.hostname, parts.port)
        ways = [asyncio.create_task(_pump(reader, back, self.up)), asyncio.create_task(_pump(there, writer, self.down))]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_EXCEPTION)
            for each in done:
                each.result()
        except _Cut as cut:
            for each in (writer, back):
                reset(each) if cut.reset else each.close()
        finally:
            for each in ways:
                each.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for side in (back, writer):
                side.close()


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection by RST. What was written before still arrives on loopback."""
    held = writer.get_extra_info("socket")
    if held is not None and not writer.transport.is_closing():
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class _Cut(Exception):
    def __init__(self, reset: bool) -> None:
        super().__init__()
        self.reset = reset


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, faults: Faults) -> None:
    passed = 0
    while piece := await reader.read(PIECE):
        step = faults.slice or len(piece)
        for start in range(0, len(piece), step):
            passed = await _write(writer, piece[start : start + step], faults, passed)
    await asyncio.sleep(faults.linger)
    if writer.can_write_eof():
        writer.write_eof()


async def _write(writer: asyncio.StreamWriter, piece: bytes, faults: Faults, passed: int) -> int:
    if faults.latency:
        await asyncio.sleep(faults.latency)
    if faults.rate:
        await asyncio.sleep(len(piece) / faults.rate)
    for limit, ends in ((faults.stall, False), (faults.cut, True)):
        if limit is not None and passed + len(piece) >= limit:
            writer.write(piece[: limit - passed])
            await writer.drain()
            if ends:
                raise _Cut(faults.reset)
            await asyncio.Event().wait()
    writer.write(piece)
    await writer.drain()
    if faults.slice:
        await asyncio.sleep(0)
    return passed + len(piece)


@asynccontextmanager
async def injecting(target: str) -> AsyncIterator[Injector]:
    """Stand between a client and a server."""
    injector = await Injector(target).listen()
    try:
        yield injector
    finally:
        with suppress(OSError):
            await injector.drop()
