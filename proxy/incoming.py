"""A request's body as it comes: within its size and time, and without keeping others waiting."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from proxy.errors import BadRequest
from proxy.room import Hold
from proxy.settings import Limits
from proxy.watch import mark_read

LARGE: Final = 1024 * 1024
"""Bytes of a body from which on others are let go on while it is worked on."""


def announced(request: web.Request, limits: Limits) -> int | None:
    """Return the size that a body announces, where it does and that is no more than may be."""
    size = request.content_length
    if (size or 0) > limits.body_bytes:
        raise too_large(limits.body_bytes)
    return size


async def read_bytes(request: web.Request, limits: Limits, hold: Hold) -> bytes:
    """Read a body within its size and time; each piece is held as it comes."""
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for piece in request.content.iter_any():
                if len(body) + len(piece) > limits.body_bytes:
                    raise too_large(limits.body_bytes)
                hold(len(piece))
                body += piece
    except TimeoutError as error:
        what = f"the body did not come within {limits.body_seconds:g} s (limits.body_seconds)"
        raise BadRequest(what, status=408, code="slow_body") from error
    mark_read()
    return bytes(body)


async def let_others(raw: bytes) -> None:
    """Let others go on between two steps of work on a large body, each of which takes its time."""
    if len(raw) > LARGE:
        await asyncio.sleep(0)


def too_large(limit: int) -> BadRequest:
    """Say that a body is too large."""
    return BadRequest(f"the body is larger than {limit} bytes (limits.body_bytes)", status=413, code="body_too_large")
