"""A fake vLLM on a free port: says what a test wants, in the shapes recorded from vLLM 0.32, and counts its streams."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from proxy.demo.speak import Said, events, whole

Answer = Said | Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]
"""What is said, or a function that answers by itself, for everything that no healthy server does."""


@dataclass
class FakeVllm:
    """`answers` are given in order; the last one is repeated. `pause` is in seconds between events.

    version  what `/version` tells; None: there is no such route
    models   what `/v1/models` lists, or the status that it answers with
    gets     paths of these two, as they were asked
    """

    answers: deque[Answer] = field(default_factory=deque)
    requests: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)
    version: str | None = None
    models: list[dict[str, Any]] | int = field(default_factory=lambda: [{"id": "gemma-4-26b", "object": "model"}])
    gets: list[str] = field(default_factory=list)
    pause: float = 0.0
    live: int = 0
    peak: int = 0
    aborted: int = 0
    url: str = ""

    def says(self, *answers: Answer | str) -> None:
        """Set what is said."""
        self.answers = deque(Said(each) if isinstance(each, str) else each for each in answers)

    def app(self) -> web.Application:
        """Build the server."""
        app = web.Application(client_max_size=32 * 1024 * 1024)
        app[FAKE] = self
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/version", self._version)
        app.router.add_route("*", "/{rest:.*}", self._echo)
        return app

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.read())
        self.headers.append(request.headers)
        try:
            body = await request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return web.json_response({"error": {"message": "not a request", "type": "BadRequestError", "code": 400}}, status=400)
        self.requests.append(body)
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        if not isinstance(answer, Said):
            return await answer(request, body)
        if not body.get("stream"):
            return web.json_response(whole(answer, body))
        return await self._stream(request, answer, body)

    async def _stream(self, request: web.Request, said: Said, body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        self.live += 1
        self.peak = max(self.peak, self.live)
        try:
            await response.prepare(request)
            for event in events(said, body):
                await response.write(event)
                if self.pause:
                    await asyncio.sleep(self.pause)
            await response.write_eof()
        except (asyncio.CancelledError, ConnectionError):
            self.aborted += 1
            raise
        finally:
            self.live -= 1
        return response

    async def _models(self, request: web.Request) -> web.StreamResponse:
        self.gets.append(request.path)
        if isinstance(self.models, int):
            return web.json_response({"error": "Unauthorized"}, status=self.models)
        return web.json_response({"object": "list", "data": self.models})

    async def _version(self, request: web.Request) -> web.StreamResponse:
        self.gets.append(request.path)
        known = self.version is not None
        return web.json_response({"version": self.version} if known else {"detail": "Not Found"}, status=200 if known else 404)

    async def _echo(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.read())
        self.headers.append(request.headers)
        return web.Response(
            body=self.bodies[-1], headers={"Content-Type": "application/json", "x-request-id": "r1", "Set-Cookie": "a=b"}
        )


FAKE = web.AppKey("fake", FakeVllm)
"""Where an answer that does as it likes finds the server that it counts for."""


def refusing(status: int, body: bytes, **headers: str) -> Answer:
    """Answer with an error status."""

    async def answer(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers={"Content-Type": "application/json", **headers})

    return answer


def sending(*pieces: bytes, cut: bool = False) -> Answer:
    """Send these bytes as an event stream; with `cut` the connection is reset behind them."""

    async def answer(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        if cut and request.transport is not None:
            await asyncio.sleep(0.05)
            request.transport.abort()
        else:
            await response.write_eof()
        return response

    return answer
