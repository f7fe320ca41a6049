"""Two ways to answer a chat request, one interface: a stream of events, or one JSON object."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Any, Protocol, Self

from aiohttp import web

from adapters.clients.chat_wire import Ends, Head, call_delta, chunk, usage_chunk, whole
from adapters.string_builder import StringBuilder
from proxy.errors import Fault
from proxy.settings import Limits
from proxy.watch import mark
from rules.conversation import Turn

SLOW_READER = 300.0
"""Seconds a client may leave a full socket unread before it is given up."""


LITTLE = 16 * 1024
"""Bytes that a transport that has sent everything takes at once: a quarter of what aiohttp and asyncio let wait."""


class Reply(Protocol):
    """Takes a turn as it becomes known."""

    @property
    def sent(self) -> str:
        """The text that can no longer be taken back."""

    async def __aenter__(self) -> Self:
        """Begin."""

    async def __aexit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        """Let go of what was begun."""

    async def text(self, head: Head, text: str, logprobs: tuple[Any, ...]) -> None:
        """Show text that is certain."""

    async def thought(self, head: Head, text: str) -> None:
        """Show a piece of thought."""

    async def finish(self, head: Head, turn: Turn, ends: Ends, notes: dict[str, str]) -> web.StreamResponse:
        """Show the rest of the turn and end the answer."""

    async def fail(self, fault: Fault) -> web.StreamResponse:
        """End the answer with an error. Raises the fault where the status line is still ours to choose."""


def reply_to(request: web.Request, headers: dict[str, str], limits: Limits, *, streamed: bool) -> Reply:
    """Return what answers a request."""
    return StreamReply(request, headers, limits) if streamed else WholeReply(headers)


class WholeReply:
    """Collects, and answers at the end."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = headers
        self.sent = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None

    async def text(self, head: Head, text: str, logprobs: tuple[Any, ...]) -> None:
        """Keep nothing: the finished turn says it all."""

    async def thought(self, head: Head, text: str) -> None:
        """Keep nothing: the finished turn says it all."""

    async def finish(self, head: Head, turn: Turn, ends: Ends, notes: dict[str, str]) -> web.StreamResponse:
        """Answer with the turn."""
        body = whole(head, turn, ends)
        return web.Response(body=body, content_type="application/json", headers=self._headers | notes)

    async def fail(self, fault: Fault) -> web.StreamResponse:
        """Answer with the error's own status."""
        raise fault


class StreamReply:
    """Sends events as they become certain, and comments while nothing does.

    Until the first of either a real HTTP status is still possible; that is why the first comment waits a while.
    """

    def __init__(self, request: web.Request, headers: dict[str, str], limits: Limits) -> None:
        self._request = request
        self._limits = limits
        self._response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache", **headers})
        self._lock = asyncio.Lock()
        self._last = time.monotonic()
        self._opened = False
        self._role = False
        self._thought = False
        self._timer: asyncio.TimerHandle | None = None
        self._beat: asyncio.Task[None] | None = None
        self._sent = StringBuilder()

    async def __aenter__(self) -> Self:
        self._wait()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._beat is not None and not self._beat.done():
            self._beat.cancel()
            await asyncio.wait({self._beat})
        self._timer = self._beat = None

    @property
    def sent(self) -> str:
        """The text that went out."""
        return str(self._sent)

    async def text(self, head: Head, text: str, logprobs: tuple[Any, ...]) -> None:
        """Send text at once."""
        self._sent.add(text)
        await self._send(chunk(head, self._delta({"content": text}), logprobs=logprobs))
        mark("showed")

    async def thought(self, head: Head, text: str) -> None:
        """Send a piece of thought in its own field."""
        self._thought = True
        await self._send(chunk(head, self._delta({"reasoning_content": text})))
        mark("showed")

    async def finish(self, head: Head, turn: Turn, ends: Ends, notes: dict[str, str]) -> web.StreamResponse:
        """Send what the client has not seen yet: the rest of the text, the calls, the end."""
        if not self._opened:
            self._response.headers.update(notes)
        rest = turn.text.removeprefix(self.sent)
        if ends.thinking and turn.thinking and not self._thought:
            await self.thought(head, turn.thinking)
        events = [chunk(head, self._delta({"content": rest}))] if rest or not self._role else []
        events += [chunk(head, call_delta(index, call)) for index, call in enumerate(turn.calls)]
        events.append(chunk(head, {}, ends.finish_reason, ends.logprobs))
        if ends.usage is not None:
            events.append(usage_chunk(head, ends.usage))
        events.append(b"data: [DONE]\n\n")
        self._sent.add(rest)
        await self._send(b"".join(events))
        mark("showed")
        return await self._end()

    async def fail(self, fault: Fault) -> web.StreamResponse:
        """Send the error as an event, and no `[DONE]`: what was cut off must not look complete."""
        if not self._opened:
            raise fault
        await self._send(b"data: " + fault.line() + b"\n\n")
        return await self._end()

    def _delta(self, delta: dict[str, Any]) -> dict[str, Any]:
        first, self._role = not self._role, True
        return {"role": "assistant", **delta} if first else delta

    async def _send(self, data: bytes) -> None:
        transport = self._request.transport
        alone = self._opened and not self._lock.locked()
        if alone and len(data) <= LITTLE and transport is not None and not transport.get_write_buffer_size():
            await self._response.write(data)  # which fits into the transport's buffer: nobody waits
            self._last = time.monotonic()
            return
        async with self._lock:
            if not self._opened:
                self._opened = True
                await self._response.prepare(self._request)
            try:
                async with asyncio.timeout(SLOW_READER):
                    await self._response.write(data)
            except TimeoutError as error:
                raise ConnectionResetError(f"the client read nothing for {SLOW_READER:g} s") from error
            self._last = time.monotonic()

    async def _end(self) -> web.StreamResponse:
        async with self._lock:
            await self._response.write_eof()
        return self._response

    # -- comments, whenever nothing else was sent for a while, so that nobody on the way gives up

    def _wait(self) -> None:
        pause = self._limits.heartbeat_seconds if self._opened else self._limits.heartbeat_after_seconds
        wait = self._last + pause - time.monotonic()
        if wait > 0:
            self._timer = asyncio.get_running_loop().call_later(wait, self._wait)
        else:
            self._beat = asyncio.create_task(self._send(b": ka\n\n"))
            self._beat.add_done_callback(self._beaten)

    def _beaten(self, beat: asyncio.Task[None]) -> None:
        gone = beat.cancelled() or beat.exception() is not None  # a client that is gone: the answer itself meets the same error
        if not gone and self._beat is beat:
            self._wait()
