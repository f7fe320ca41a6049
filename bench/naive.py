"""A relay that looks at nothing, as one writes it with aiohttp in an hour: what inspection is measured against.

python -m bench.naive --port 9001 --upstream http://127.0.0.1:9000
"""

from __future__ import annotations

import argparse

import aiohttp
import uvloop
from aiohttp import web

UPSTREAM = web.AppKey("upstream", str)
SESSION = web.AppKey("session", aiohttp.ClientSession)


async def relay(request: web.Request) -> web.StreamResponse:
    """Send a request on, and its answer back, piece by piece."""
    body = await request.read()
    url = request.app[UPSTREAM] + request.path_qs
    headers = {"Content-Type": request.content_type}
    async with request.app[SESSION].request(request.method, url, data=body, headers=headers) as answer:
        response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.headers["Content-Type"]})
        if answer.content_length is not None:
            response.content_length = answer.content_length
        await response.prepare(request)
        async for piece in answer.content.iter_any():
            await response.write(piece)
        await response.write_eof()
        return response


def main() -> None:
    """Read the command line, and serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True)
    given = parser.parse_args()
    app = web.Application(client_max_size=2**24)
    app[UPSTREAM] = given.upstream

    async def session(app: web.Application):  # type: ignore[no-untyped-def]  # aiohttp's own way: an async generator
        app[SESSION] = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None), auto_decompress=False
        )
        yield
        await app[SESSION].close()

    app.cleanup_ctx.append(session)
    app.router.add_route("*", "/{path:.*}", relay)
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=given.port, access_log=None, print=None, handler_cancellation=True)


if __name__ == "__main__":
    main()
