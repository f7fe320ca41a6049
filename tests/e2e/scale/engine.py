"""A simulated engine for many conversations, in a process of its own: what it says follows from the request alone.

The first user message names the conversation, the tool's results count its turns. Of four turns one is right as it comes, one has
a number written as text, one lacks an argument until it is asked for again, and one is written in another model's format.
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from typing import Any

from aiohttp import web

from proxy.demo.model import say
from proxy.demo.speak import Said

NAMED = re.compile(r"conversation (c\d+)")
PAUSE = web.AppKey("pause", float)
HEARD: web.AppKey[dict[str, set[str]]] = web.AppKey("heard", dict)


def right(name: str, turn: int) -> dict[str, Any]:
    """Return the arguments that the client must get in this turn of this conversation."""
    return {"command": f"echo {name} {turn}", "timeout": turn + 1}


def kind(name: str, turn: int) -> int:
    """Say in which of the four ways a turn is written."""
    return (int(name[1:]) + turn) % 4


def written(name: str, turn: int, *, again: bool) -> str:
    """Return what the model writes."""
    wanted = right(name, turn)
    said = f"This is step {turn} of {name}, and I look at what there is before I change a thing.\n"
    command = f'command:<|"|>{wanted["command"]}<|"|>'
    match 0 if again else kind(name, turn):
        case 0:
            return f"{said}<|tool_call>call:bash{{{command},timeout:{wanted['timeout']}}}<tool_call|>"
        case 1:
            return f'{said}<|tool_call>call:bash{{{command},timeout:<|"|>{wanted["timeout"]}<|"|>}}<tool_call|>'
        case 2:
            return f"{said}<|tool_call>call:bash{{timeout:{wanted['timeout']}}}<tool_call|>"
        case _:
            call = f'{{"name": "bash", "arguments": {{"command": "{wanted["command"]}", "timeout": {wanted["timeout"]}}}}}'
            return f"{said}<tool_call>\n{call}\n</tool_call>"


async def chat(request: web.Request) -> web.StreamResponse:
    """Answer a question, paced."""
    body = await request.json()
    messages = body["messages"]
    found = NAMED.search(str(messages))
    assert found is not None
    name, turn = found[1], sum(message["role"] == "tool" for message in messages)
    request.app[HEARD][name].add(request.headers.get("x-toolmend-conversation", ""))
    said = Said(written(name, turn, again="That answer could not be used" in str(messages[-1]["content"])))
    return await say(request, said, body, request.app[PAUSE])


async def models(request: web.Request) -> web.StreamResponse:
    """List the one model."""
    return web.json_response({"object": "list", "data": [{"id": "gemma-4-26b", "object": "model"}]})


async def heard(request: web.Request) -> web.StreamResponse:
    """Tell under which conversation headers each conversation came."""
    return web.json_response({name: sorted(each) for name, each in request.app[HEARD].items()})


def main() -> None:
    """Serve on loopback until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between two events")
    given = parser.parse_args()
    app = web.Application(client_max_size=32 * 1024 * 1024)
    app[PAUSE], app[HEARD] = given.pause, defaultdict(set)
    app.router.add_post("/v1/chat/completions", chat)
    app.router.add_get("/v1/models", models)
    app.router.add_get("/heard", heard)
    web.run_app(app, host="127.0.0.1", port=given.port, access_log=None, print=None, handler_cancellation=True)


if __name__ == "__main__":
    main()
