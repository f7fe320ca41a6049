"""Relays a request and its answer as they are: bytes in, bytes out, streamed both as they come."""

from __future__ import annotations

from aiohttp import web

from proxy.upstream import Upstream, answer_headers


async def relay(request: web.Request, body: bytes | None, upstream: Upstream, path: str) -> web.StreamResponse:
    """Send a request upstream byte for byte, and its answer back.

    An answer that breaks off is raised as a fault: the connection then ends without its proper end.
    """
    query = f"?{request.query_string}" if request.query_string else ""
    async with upstream.ask(request.method, path + query, body, upstream.headers(request.headers)) as answer, upstream.bounded():
        response = web.StreamResponse(status=answer.status, headers=answer_headers(answer))
        if answer.content_length is not None:
            response.content_length = answer.content_length
        async for piece in upstream.pieces(answer):
            if not response.prepared:
                await response.prepare(request)
            await response.write(piece)
        if not response.prepared:
            await response.prepare(request)
        await response.write_eof()
        return response
