"""A client of bytes."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit


async def connected(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection to a base URL."""
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)


async def exchange(url: str, data: bytes, seconds: float = 10.0) -> bytes:
    """Send bytes as they are, and return all that comes back until the other side closes. Raises TimeoutError."""
    reader, writer = await connected(url)
    try:
        writer.write(data)
        await writer.drain()
        async with asyncio.timeout(seconds):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def post(body: bytes, *headers: str, target: str = "/v1/chat/completions") -> bytes:
    """Write a request that is right, and closes its connection."""
    lines = [
        f"POST {target} HTTP/1.1",
        "Host: 127.0.0.1",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body
