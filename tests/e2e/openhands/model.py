"""A scripted model server. THIS IS A SIMULATION: no model runs here, one fault is played again and again.

It does a small task honestly: the next step follows from the results in the conversation it is shown, and every call
that the case hits comes out with the case's fault. One assumption is built in: it corrects itself only when it is shown
its mistake (`shown.py`). And where a request forces a grammar, the grammar is obeyed, as vLLM would.

t-cases answer as a vLLM without a tool parser: content without special tokens, and the exact raw text in the logprobs
when they are asked for. (Such a vLLM refuses `tools`; this one takes them.) n-cases answer as a server that has parsed
already, without logprobs.
"""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from aiohttp import web

from .answers import Answer, Parsed, Raw, parsed_call
from .cases import CASES, Case
from .grammar import UnknownGrammar, grammar_of, write_under
from .shapes import gemma, openhands
from .shown import was_shown
from .task import Call, call_for, progress
from .wire import Asked, streamed, whole

ALTERNATE = "Conversation roles must alternate user/assistant/user/assistant/..."


@dataclass(slots=True)
class Heard:
    """What the server was asked, in order."""

    bodies: list[dict[str, Any]] = field(default_factory=list)


def well(case: Case, call: Call, body: dict[str, Any]) -> Answer:
    """Write a call rightly: as it is asked for, structured, or in the form that Gemma's template teaches."""
    if case.native:
        return parsed_call(call)
    return Raw(gemma(call) if body.get("tools") else openhands(call))


def decide(case: Case, body: dict[str, Any]) -> Answer:
    """Return the model's answer to a request: a function of the request alone."""
    step, since = progress(body["messages"], plan=case.plan)
    call = call_for(step, body["messages"])
    if form := grammar_of(body):
        text = write_under(form, call)
        return Parsed(content=text) if case.native else Raw(text)
    if call.name not in case.hits:
        return well(case, call, body)
    attempt = case.write(call)
    return well(case, call, body) if was_shown(since, attempt) else attempt


def _refused(case: Case, body: dict[str, Any]) -> bool:
    """Tell whether the server's template refuses the order of the messages."""
    roles = [message.get("role") for message in body["messages"]]
    return case.strict_roles and any(one == two == "user" for one, two in pairwise(roles))


def _bad_request(message: str) -> web.Response:
    error = {"message": message, "type": "BadRequestError", "param": None, "code": 400}
    return web.json_response({"error": error}, status=400)


async def _complete(request: web.Request, case: Case, heard: Heard) -> web.StreamResponse:
    body = await request.json()
    heard.bodies.append(body)
    if _refused(case, body):
        return _bad_request(ALTERNATE)
    try:
        answer, asked = decide(case, body), Asked.by(body)
    except UnknownGrammar as unknown:
        return _bad_request(str(unknown))
    if not body.get("stream"):
        return web.json_response(whole(answer, asked))
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
    await response.prepare(request)
    for event in streamed(answer, asked):
        await response.write(event)
    return response


def app_for(case: Case, heard: Heard) -> web.Application:
    """Build the server of one case."""

    async def complete(request: web.Request) -> web.StreamResponse:
        return await _complete(request, case, heard)

    async def models(_: web.Request) -> web.Response:
        card = {"id": "gemma-4-26b-a4b-it", "object": "model", "owned_by": "simulation", "max_model_len": 131072}
        return web.json_response({"object": "list", "data": [card]})

    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_post("/v1/chat/completions", complete)
    app.router.add_get("/v1/models", models)
    return app


@asynccontextmanager
async def served(case: Case, port: int = 0) -> AsyncIterator[tuple[int, Heard]]:
    """Serve a case on the loopback; yields the port and what was heard."""
    heard = Heard()
    runner = web.AppRunner(app_for(case, heard), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield runner.addresses[0][1], heard
    finally:
        await runner.cleanup()


async def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", required=True, choices=sorted(CASES))
    parser.add_argument("--port", type=int, default=0)
    chosen = parser.parse_args()
    async with served(CASES[chosen.case], chosen.port) as (port, _):
        print(json.dumps({"simulation": True, "case": chosen.case, "url": f"http://127.0.0.1:{port}/v1"}), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
