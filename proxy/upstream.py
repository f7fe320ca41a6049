"""The model server: sessions, the headers that may pass, and the timers that bound each wait."""

from __future__ import annotations

import asyncio
import io
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from math import isfinite
from typing import Any

import aiohttp
from multidict import CIMultiDict

from proxy.errors import Overloaded, UpstreamBroken, UpstreamRefused, UpstreamTimeout, UpstreamUnreachable
from proxy.retries import Retries, Trial, told_of_reuse
from proxy.room import Turnstile
from proxy.settings import Settings
from proxy.silence import Silence, Silent
from proxy.tls import upstream_context
from proxy.watch import asking, count_answer, mark

CHAT = "/v1/chat/completions"

REQUEST_HEADERS = (
    "accept",
    "content-type",
    "user-agent",
    "x-request-id",
    "x-litellm-session-id",
    "x-session-id",
    "traceparent",
    "tracestate",
)
"""What a client's request may tell the model server. `authorization` passes unless we hold a key of our own."""

ANSWER_HEADERS = (
    "content-type",
    "content-encoding",
    "retry-after",
    "x-request-id",
    "openai-processing-ms",
    "x-ratelimit-remaining-requests",
)
"""What a model server's answer may tell the client."""

KEEPALIVE = 2.0
"""Seconds an idle connection is kept: below uvicorn's 5, so that we are the ones to close it."""

UNREAD = 32 * 1024
"""Bytes that the kernel is asked to hold of an answer on either side of us (Linux takes twice as many). By itself it would hold
megabytes for each client that hardly reads, and the model server would write on for nobody."""

LARGE = 512 * 1024
"""Bytes of a body that are still written in one go."""

STEP = 16 * 1024
"""Bytes of an answer that are read at once: a server may send more than can be looked at in a moment."""

LARGE_PIECE = 8 * 1024
"""Bytes of an answer from which on only one such piece is read in a round of the event loop, whoever's it is."""

END_SECONDS = 0.5
"""How long the end of an answer may lag behind its `[DONE]`."""

PATIENCE = 30.0
"""The longest that an upstream 429 is waited out, in seconds."""


class Upstream:
    """Sends requests to one model server. `close` ends its sessions: one keeps connections, one opens new ones.

    lost  is called when the server cannot be reached
    """

    def __init__(self, settings: Settings) -> None:
        self.limits = settings.limits
        self.lost: Callable[[], None] = lambda: None
        self._base = settings.upstream
        self._key = settings.upstream_key.get_secret_value() if settings.upstream_key else None
        self._pass_key = not settings.guarded
        self._retries = Retries()
        self._turnstile, self._leaving = Turnstile(), Turnstile(at_once=8)
        tls = upstream_context(settings)
        self._session = self._opened(aiohttp.TCPConnector(keepalive_timeout=KEEPALIVE, **self._reach(tls)), told_of_reuse())
        self._fresh = self._opened(aiohttp.TCPConnector(force_close=True, **self._reach(tls)))

    def _reach(self, tls: ssl.SSLContext | bool) -> dict[str, Any]:
        found = {"limit": self.limits.max_streams, "ttl_dns_cache": 30, "enable_cleanup_closed": False}
        return {**found, "ssl": tls, "socket_factory": _socket}

    def _opened(self, connector: aiohttp.TCPConnector, *traces: aiohttp.TraceConfig) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, connect=10, sock_connect=self.limits.connect_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            headers={"Accept-Encoding": "identity"},
            skip_auto_headers=("User-Agent",),
            read_bufsize=STEP,
            max_line_size=8190,
            max_field_size=8190,
            trace_configs=list(traces),
        )

    async def close(self) -> None:
        """Close the sessions and all their connections."""
        await self._session.close()
        await self._fresh.close()

    @asynccontextmanager
    async def ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send one request and yield its answer, whatever its status but 429. Leaving the block ends it upstream as well."""
        with asking(self._base, method, path) as asked:
            answering = self._answer(method, path, body, {**headers, **asked.headers})
            del body  # once it is sent nobody needs it, and the answer may take long
            async with answering as response:
                asked.status = response.status
                yield response

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask until the answer is another than 429: that is waited out, within our patience.

        It never reaches a client: OpenHands 0.59 hangs on it for ever.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                response = await self._send(method, path, body, headers)
            except UpstreamUnreachable:
                self.lost()
                raise
            count_answer(response.status)
            try:
                if response.status == 429:
                    pause = patience(response, deadline)
                else:
                    if not (200 <= response.status < 300 or 400 <= response.status < 600):
                        raise UpstreamBroken(f"the model server answered HTTP {response.status}; redirects are not followed")
                    del body
                    yield response
                    return
            finally:
                response.close()
            await asyncio.sleep(pause)

    @asynccontextmanager
    async def bounded(self) -> AsyncIterator[None]:
        """Bound the time that one answer may take altogether."""
        try:
            async with asyncio.timeout(self.limits.stream_seconds):
                yield
        except TimeoutError as error:
            seconds = self.limits.stream_seconds
            raise UpstreamTimeout(f"the answer took more than {seconds:g} s (limits.stream_seconds)") from error

    async def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        """Try once more only where the connection failed before any byte of an answer came, and then on a new connection.

        One that was used before tells nothing of the server, which closes it when it likes; new ones that fail are tried again
        as far as `Retries` allows.
        """
        trial = Trial()
        self._retries.sent()
        try:
            return await self._once(self._session, trial, method, path, body, headers)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionResetError) as error:
            if not trial.reused and not self._retries.take():
                raise self._unreachable(error) from error
        except aiohttp.ClientError as error:
            raise _quoting(f"the model server at {self._base} answered with something that is not HTTP", error) from error
        try:
            return await self._once(self._fresh, trial, method, path, body, headers)
        except (aiohttp.ClientError, ConnectionError) as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> UpstreamUnreachable:
        what = f"cannot reach the model server at {self._base} ({error}); is it running, and is --upstream right?"
        return UpstreamUnreachable(what, retry_after=5)

    async def _once(  # noqa: PLR0913, PLR0917 - what one HTTP request is made of
        self,
        session: aiohttp.ClientSession,
        trial: Trial,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> aiohttp.ClientResponse:
        data = io.BytesIO(body) if body is not None and len(body) > LARGE else body
        try:
            async with asyncio.timeout(self.limits.first_byte_seconds):
                return await session.request(
                    method, self._base + path, data=data, headers=headers, allow_redirects=False, trace_request_ctx=trial
                )
        except aiohttp.ConnectionTimeoutError as error:
            raise UpstreamUnreachable(f"no connection to {self._base} within its time; is it running?", retry_after=5) from error
        except TimeoutError as error:
            seconds = self.limits.first_byte_seconds
            raise UpstreamTimeout(f"the model server sent nothing for {seconds:g} s (limits.first_byte_seconds)") from error

    def headers(self, client: Mapping[str, str]) -> CIMultiDict[str]:
        """Pick from a client's headers what may go upstream, and add our key where we hold one."""
        picked = CIMultiDict((name, client[name]) for name in REQUEST_HEADERS if name in client)
        if self._key is not None:
            picked["Authorization"] = f"Bearer {self._key}"
        elif self._pass_key:
            picked.update((name, client[name]) for name in ("authorization", "x-api-key") if name in client)
        return picked

    async def pieces(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """Yield an answer's bytes as they come, each within the idle time."""
        ended = end_of(response)
        async with Silence(response.content) as silence:
            piece = await self._heard(silence, "first_byte_seconds")  # vLLM sends its headers before the prefill
            if piece and response.status == 200:
                mark("wrote")
            while piece:
                if len(piece) >= LARGE_PIECE:
                    await self._turnstile.passed()
                yield piece
                piece = await self._heard(silence, "idle_seconds")
        check_end(ended)

    async def _heard(self, silence: Silence, name: str) -> bytes:
        """Return what comes next of an answer, within the limit of that name; nothing at its end."""
        limit: float = getattr(self.limits, name)
        try:
            return await silence.broken(limit, STEP)
        except asyncio.CancelledError:
            await self._leaving.passed()  # to end what was asked takes a moment, and thousands of clients may go in one
            raise
        except Silent as error:
            raise UpstreamTimeout(f"the model server sent nothing for {limit:g} s (limits.{name})") from error
        except (aiohttp.ClientError, ConnectionError) as error:
            raise _quoting("the connection to the model server broke in mid-answer", error) from error

    async def drain(self, response: aiohttp.ClientResponse) -> None:
        """Read the proper end of an answer whose `[DONE]` has come, so that its connection can be used again."""
        with suppress(TimeoutError, aiohttp.ClientError, ConnectionError):
            async with asyncio.timeout(END_SECONDS):
                while await response.content.readany():
                    pass

    async def body(self, response: aiohttp.ClientResponse, limit: int) -> bytes:
        """Return a whole answer of at most `limit` bytes."""
        pieces: list[bytes] = []
        size = 0
        async for piece in self.pieces(response):
            size += len(piece)
            if size > limit:
                raise UpstreamBroken(f"the model server's answer is longer than {limit} bytes")
            pieces.append(piece)
        return b"".join(pieces)

    async def refusal(self, response: aiohttp.ClientResponse) -> UpstreamRefused | UpstreamBroken:
        """Read an error answer, to be passed on as it came. A success without an answer (204) is a fault of another kind."""
        if response.status < 300:
            return UpstreamBroken(f"the model server answered HTTP {response.status}, and nothing with it")
        body = await self.body(response, self.limits.event_bytes)
        return UpstreamRefused(response.status, body, answer_headers(response))


def _socket(address: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol = address[:3]
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UNREAD)
    return made


def end_of(response: aiohttp.ClientResponse) -> asyncio.Future[None] | None:
    """Return what will tell how a connection ended, for an answer that has no other end; None for all others."""
    connection = response.connection
    framed = response.content_length is not None or "transfer-encoding" in response.headers
    if framed or connection is None or connection.protocol is None:
        return None
    ended = connection.protocol.closed
    if ended is not None:
        ended.add_done_callback(lambda each: each.cancelled() or each.exception())  # whether or not anybody asks
    return ended


def check_end(ended: asyncio.Future[None] | None) -> None:
    """Raise where a connection ended by an error: aiohttp takes that, too, for the end of an answer without a length."""
    if ended is not None and ended.done() and not ended.cancelled() and (error := ended.exception()) is not None:
        raise _quoting("the connection to the model server broke in mid-answer", error)


def _quoting(own: str, error: BaseException) -> UpstreamBroken:
    """Say what is broken; what aiohttp says of it may quote the answer, so the log does without."""
    fault = UpstreamBroken(f"{own}: {error}")
    fault.own = f"{own} ({type(error).__name__})"
    return fault


def patience(response: aiohttp.ClientResponse, deadline: float) -> float:
    """Return how many seconds to wait before asking again after a 429; past the deadline it is an overload."""
    try:
        pause = float(response.headers.get("retry-after", "1"))
    except ValueError:
        pause = 1.0
    pause = max(pause, 0.05) if isfinite(pause) else 1.0
    if time.monotonic() + pause > deadline:
        raise Overloaded(
            "the model server is overloaded (it answered HTTP 429 for too long)", retry_after=min(int(pause) + 1, 3600)
        )
    return pause


def answer_headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    """Pick from an answer's headers what may reach the client."""
    return {name: response.headers[name] for name in ANSWER_HEADERS if name in response.headers}
