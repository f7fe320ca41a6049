"""Runs the server until it is told to stop, and lets what it has begun come to its end."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from contextlib import suppress
from typing import Any

import structlog
from aiohttp import web
from structlog.tracebacks import ExceptionDictTransformer

from proxy.app import HANDLING, make_app
from proxy.exchange import OVERDUE
from proxy.garbage import collect
from proxy.metrics import METRICS, metrics_app
from proxy.output import LogLines
from proxy.profiles import load
from proxy.redact import is_suspect, redact_json, redact_line
from proxy.server_log import server_logger
from proxy.settings import Settings
from proxy.tls import server_context
from proxy.upstream import UNREAD

log = structlog.get_logger()

JSON = structlog.processors.JSONRenderer()

KEEPALIVE = 15.0
"""Seconds an idle client connection is kept. aiohttp's own default for a runner is an hour."""


LINGERING = 2.0
"""Seconds that the rest of a refused body is still read, so that the client can see why."""


SETTLING = 0.5
"""Seconds between the end of listening and the end of idle connections. A proxy before us may have just sent its question on one
of these, new or kept: it must be read, for it would be lost (a POST that was sent is not sent again)."""


HANDSHAKE = 2.0
"""Seconds that the TLS handshake of a connection that was taken from the queue may take."""


class CannotListen(OSError):
    """A port is taken, or not ours to take."""


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit code."""
    configure_logs()
    try:
        if loop_factory := fast_loop():
            with asyncio.Runner(loop_factory=loop_factory) as runner:
                return runner.run(serve(settings))
        return asyncio.run(serve(settings))
    except CannotListen as error:
        print(f"toolmend: {error}", file=sys.stderr)
        return 1


def fast_loop() -> type[asyncio.AbstractEventLoop] | None:
    """Return uvloop's event loop where it can be had."""
    try:
        import uvloop  # noqa: PLC0415 - absent on some platforms
    except ImportError:
        return None
    return uvloop.Loop


def configure_logs() -> None:
    """Write one JSON line per event to standard output: newlines and escapes in data cannot forge another line."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),  # locals hold keys and prompts
            without_secrets,
        ],
        logger_factory=LogLines,
        cache_logger_on_first_use=True,
    )


def without_secrets(logger: Any, name: str, event: MutableMapping[str, Any]) -> str:
    """Write an event as JSON. Where there may be a secret in it, in its names or the words of an error, that is taken out."""
    line = str(JSON(logger, name, event))
    return redact_line(str(JSON(logger, name, redact_json(dict(event))))) if is_suspect(line) else line


def make_runner(settings: Settings) -> web.AppRunner:
    """Build the runner with the limits of the settings. `handler_cancellation`: a client that goes takes its work with it."""
    return web.AppRunner(
        make_app(settings, load(settings.profile)),
        handler_cancellation=True,
        keepalive_timeout=KEEPALIVE,
        shutdown_timeout=settings.limits.drain_seconds,
        lingering_time=LINGERING,
        access_log=None,
        logger=server_logger(),
        max_line_size=8190,
        max_field_size=8190,
        max_headers=64,
        auto_decompress=False,
    )


async def serve(settings: Settings) -> int:
    """Listen, wait for the signal to stop, then drain."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = make_runner(settings)
    runner.app.on_response_prepare.append(closing(stop))
    await runner.setup()
    metrics = await metrics_runner(runner.app) if settings.metrics_port else None
    work = [collect(lambda: len(runner.app[HANDLING])), *([runner.app[METRICS].lag.run()] if metrics else [])]
    tasks = [asyncio.create_task(each) for each in work]
    try:
        tls, shared = server_context(settings), settings.worker is not None
        site = await listen(runner, settings.host, settings.port, shared=shared, tls=tls)
        beside = metrics and await listen(metrics, settings.metrics_host, settings.metrics_port + (settings.worker or 0))
        gc.freeze()
        log.info("listening", url=site.name, upstream=settings.upstream, mode=settings.mode, workers=settings.workers)
        if beside:
            log.info("metrics", url=f"{beside.name}/metrics")
        await stop.wait()
        log.info("stopping", drain_seconds=settings.limits.drain_seconds)
        await end_listening(site, runner, tls)
        await asyncio.sleep(SETTLING)
    finally:
        late = asyncio.create_task(end_late(runner.app[HANDLING], settings.limits.drain_seconds))
        await runner.cleanup()
        late.cancel()
        for each in tasks:
            each.cancel()
        if metrics is not None:  # last, so that what is drained can still be seen
            await metrics.cleanup()
    return 0


async def metrics_runner(app: web.Application) -> web.AppRunner:
    """Build the runner of an application's metrics."""
    runner = web.AppRunner(metrics_app(app[METRICS]), access_log=None, logger=server_logger(), shutdown_timeout=1.0)
    await runner.setup()
    return runner


async def listen(
    runner: web.AppRunner, host: str, port: int, *, shared: bool = False, tls: ssl.SSLContext | None = None
) -> web.TCPSite:
    """Listen on a port; `shared` with other workers."""
    site = web.TCPSite(runner, host, port, reuse_port=shared or None, ssl_context=tls)
    try:
        await site.start()
    except OSError as error:
        raise CannotListen(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    for each in _sockets(site):
        each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD)  # connections get it from the one that listens
    return site


def _sockets(site: web.TCPSite) -> Sequence[socket.socket]:
    found: Sequence[socket.socket] = getattr(site._server, "sockets", ())  # aiohttp gives them in no other way
    return found


async def end_late(handling: set[asyncio.Task[Any]], seconds: float) -> None:
    """End the requests that are still served when the time to drain is over. aiohttp alone would wait for them twice as long."""
    await asyncio.sleep(seconds)
    for task in list(handling):
        task.cancel(OVERDUE)


def closing(stop: asyncio.Event) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Return what ends a connection with its answer once we stop, and says so: nobody sends another question on it."""

    async def close(request: web.Request, response: web.StreamResponse) -> None:  # noqa: ARG001 - aiohttp's signature
        if stop.is_set():
            response.force_close()
            response.headers["Connection"] = "close"

    return close


async def end_listening(site: web.TCPSite, runner: web.AppRunner, tls: ssl.SSLContext | None) -> None:
    """Close the listener, but take the connections that wait in its queue first: the kernel would reset them."""
    taken = [connection for each in _sockets(site) for connection in waiting(each)]
    await site.stop()
    assert runner.server is not None
    loop, seconds = asyncio.get_running_loop(), HANDSHAKE if tls else None
    served = (loop.connect_accepted_socket(runner.server, each, ssl=tls, ssl_handshake_timeout=seconds) for each in taken)
    await asyncio.gather(*served, return_exceptions=True)  # one that fails its handshake is gone, as it would be at any time


def waiting(listener: socket.socket) -> Iterator[socket.socket]:
    """Accept what waits in the queue of a listening socket that does not block."""
    own = socket.socket(fileno=os.dup(listener.fileno()))
    own.setblocking(False)
    with own, suppress(BlockingIOError):
        while True:
            connection, _ = own.accept()
            connection.setblocking(False)
            yield connection
