"""A scripted model server. THIS IS A SIMULATION: no model runs here; one task is done in one way of writing.

It works honestly: what it does next follows from the results in the conversation it is shown, by nothing else, and it
keeps to its way of writing whatever it is told, but for four things: told that it must be one action, it writes the
first of its two; asked again after an unclosed thought, it closes the thought; told that it goes round, it goes on; told how
the work is handed in, it hands it in. Where a request forces a grammar, the
grammar is obeyed, as vLLM would. It answers as a vLLM without a tool parser (content without special tokens, the exact
text in the log-probabilities), but for structured calls: those come as a server sends them that has parsed already.
"""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiohttp import web

from tests.e2e.openhands.answers import Answer, Parsed, Raw
from tests.e2e.openhands.grammar import UnknownGrammar, grammar_of, write_under
from tests.e2e.openhands.model import Heard
from tests.e2e.openhands.wire import Asked as Wanted
from tests.e2e.openhands.wire import streamed, whole

from .modes import MODES, Mode
from .shapes import SHAPES, Asked, Shape, call_of
from .task import remaining

NAME = "local-model"
"""The served name: it tells nobody which family of models this is."""


def decide(mode: Mode, shape: Shape, body: Mapping[str, Any]) -> Answer:
    """Return the model's answer to a request: a function of the request alone."""
    steps, since = remaining(body["messages"])
    if form := grammar_of(body):
        text = write_under(form, call_of(steps[0]))
        return Parsed(content=text) if isinstance(mode.own(steps[:1]), Parsed) else Raw(text)
    return shape.write(Asked(mode.own, mode.calls, steps, since))


def _bad_request(message: str) -> web.Response:
    error = {"message": message, "type": "BadRequestError", "param": None, "code": 400}
    return web.json_response({"error": error}, status=400)


async def _complete(request: web.Request, mode: Mode, shape: Shape, heard: Heard) -> web.StreamResponse:
    body = await request.json()
    heard.bodies.append(body)
    try:
        answer, wanted = decide(mode, shape, body), Wanted.by(body)
    except UnknownGrammar as unknown:
        return _bad_request(str(unknown))
    if not body.get("stream"):
        return web.json_response(whole(answer, wanted))
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
    await response.prepare(request)
    with suppress(ConnectionError):  # whoever has heard enough may hang up
        for event in streamed(answer, wanted):
            await response.write(event)
    return response


def app_for(mode: Mode, shape: Shape, heard: Heard) -> web.Application:
    """Build the server of one run."""

    async def complete(request: web.Request) -> web.StreamResponse:
        return await _complete(request, mode, shape, heard)

    async def models(_: web.Request) -> web.Response:
        card = {"id": NAME, "object": "model", "owned_by": "simulation", "max_model_len": 131072}
        return web.json_response({"object": "list", "data": [card]})

    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_post("/v1/chat/completions", complete)
    app.router.add_get("/v1/models", models)
    return app


@asynccontextmanager
async def served(mode: Mode, shape: Shape, port: int = 0) -> AsyncIterator[tuple[int, Heard]]:
    """Serve the model on the loopback; yields the port and what was heard."""
    heard = Heard()
    runner = web.AppRunner(app_for(mode, shape, heard), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield runner.addresses[0][1], heard
    finally:
        await runner.cleanup()


async def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", required=True, choices=sorted(MODES))
    parser.add_argument("--shape", required=True, choices=sorted(SHAPES))
    parser.add_argument("--port", type=int, default=0)
    chosen = parser.parse_args()
    async with served(MODES[chosen.mode], SHAPES[chosen.shape], chosen.port) as (port, _):
        told = {"simulation": True, "mode": chosen.mode, "shape": chosen.shape, "url": f"http://127.0.0.1:{port}/v1"}
        print(json.dumps(told), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
