"""The routes, and what every request passes before it reaches one."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import structlog
from aiohttp import web

from adapters.registry import PREFIXES
from proxy.body import body_of, check_depth, check_weight, parse_fields
from proxy.checker import Checker
from proxy.errors import BadRequest, Fault, forget_where
from proxy.exchange import Exchange
from proxy.incoming import announced, let_others, read_bytes
from proxy.journal import Journal
from proxy.keys import accepted, fits
from proxy.metrics import METRICS, Metrics, counted
from proxy.notes import note_unreadable
from proxy.observe import observe
from proxy.plan import Plan, make_plan
from proxy.profiles import Profile
from proxy.redact import excerpt
from proxy.relay import relay
from proxy.reply import reply_to
from proxy.room import Room, Turnstile
from proxy.servers import MODELS, Servers, check_ready, list_models, opened
from proxy.services import Services
from proxy.settings import Settings, is_loopback
from proxy.upstream import CHAT, Upstream
from proxy.watch import TRACES

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SETTINGS = web.AppKey("settings", Settings)
SERVERS = web.AppKey("servers", Servers)
ROOM = web.AppKey("room", Room)
TURNSTILE = web.AppKey("turnstile", Turnstile)
KEYS: web.AppKey[tuple[bytes, ...]] = web.AppKey("keys", tuple)
HANDLING: web.AppKey[set[asyncio.Task[Any]]] = web.AppKey("handling", set)
OPENED = web.RequestKey("opened", bool)

RELAYED = (
    ("POST", "/v1/completions"),
    ("POST", "/v1/embeddings"),
    ("POST", "/v1/responses"),
    ("POST", "/v1/messages"),
    ("POST", "/v1/messages/count_tokens"),
    ("GET", MODELS),
    ("POST", "/tokenize"),
    ("POST", "/detokenize"),
)
"""What passes as it is. vLLM's other routes (/pause, /collective_rpc, ...) are nobody's business."""

OPEN = ("/healthz", "/readyz")
"""What is answered without a key: probes have none."""


def make_app(settings: Settings, profiles: tuple[Profile, ...]) -> web.Application:
    """Build the application. Its resources live from start to clean-up."""
    app = web.Application(middlewares=[counted, faults, front_door], client_max_size=settings.limits.body_bytes)
    app[SETTINGS], app[ROOM], app[HANDLING] = settings, Room(settings.limits), set()
    app[KEYS], app[TURNSTILE] = accepted(settings), Turnstile()
    app[METRICS] = Metrics(profile.name for profile in profiles)
    app.on_response_prepare.append(note_opened)
    app.cleanup_ctx.append(resources(settings, profiles))
    for prefix in ("", *PREFIXES):
        app.router.add_post(prefix + CHAT, chat)
        for method, path in RELAYED:
            app.router.add_route(method, prefix + path, relayed)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    return app


def resources(settings: Settings, profiles: tuple[Profile, ...]) -> Callable[[web.Application], AsyncIterator[None]]:
    """Return what opens the process's resources at start and closes them at the end."""

    async def open_and_close(app: web.Application) -> AsyncIterator[None]:
        journal = Journal(settings.journal, settings.journal_bodies) if settings.journal else None
        app[METRICS].journal = journal
        if settings.otel:
            from proxy.tracing import Tracing  # noqa: PLC0415 - an extra

            app[TRACES] = Tracing()
        checker = Checker()
        app[SERVERS] = servers = opened(settings, profiles, checker, journal)
        if settings.probe and settings.mode == "repair":
            for each in servers.all:
                each.prober.start()
        try:
            yield
        finally:
            await servers.close()
            await checker.aclose()
            if journal is not None:
                await asyncio.to_thread(journal.close)
            if settings.otel:
                await app[TRACES].aclose()

    return open_and_close


async def note_opened(request: web.Request, response: web.StreamResponse) -> None:  # noqa: ARG001 - aiohttp's signature
    """Note that a status line has gone out: from here on an error can only end the connection."""
    request[OPENED] = True


@web.middleware
async def faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever was raised into an answer that an OpenAI client understands; in an open answer, end the connection."""
    task = asyncio.current_task()
    assert task is not None
    request.app[HANDLING].add(task)
    try:
        response = await answered(request, handler)
        if request.get(OPENED) and not response.prepared:
            raise ConnectionResetError("an answer broke off after its status line was sent")
        return response
    except BaseException:
        if request.get(OPENED) and request.transport is not None:
            request.transport.abort()
        raise
    finally:
        request.app[HANDLING].discard(task)


async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Run a handler, and answer for it where it raises."""
    try:
        return await handler(request)
    except Fault as fault:
        if not fault.noted:
            log.info("refused", path=excerpt(request.path, 200), status=fault.status, error=excerpt(fault.told, 500))
        forget_where(fault)
        return refusal(fault)
    except web.HTTPException as error:
        what = f"{error.reason}: {request.method} {request.path[:200]}{hint(request.path)}"
        answer = refusal(BadRequest(what, status=error.status, code="no_such_route"))
        answer.headers.update({name: value for name, value in error.headers.items() if name == "Allow"})
        return answer
    except (ConnectionError, asyncio.CancelledError):
        raise
    except Exception:  # ours: the outermost place, so that the client learns it and the operator finds it
        log.exception("unhandled", path=excerpt(request.path, 200))
        return refusal(Fault('toolmend failed on this request; its log says why (event "unhandled")'))


def hint(path: str) -> str:
    """Name the prefixes that there are to somebody who asked for another one."""
    prefix, found, _ = path.partition("/v1/")
    known = ", ".join(PREFIXES)
    return f"; there is no {prefix[:80]} here: the prefixes are {known}" if found and prefix and prefix not in PREFIXES else ""


def refusal(fault: Fault) -> web.Response:
    """Write a fault as an answer."""
    response = web.Response(status=fault.status, body=fault.body(), headers=fault.headers())
    if fault.closes:
        response.force_close()
    return response


@web.middleware
async def front_door(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what no honest client sends, before anything else looks at it."""
    try:
        check_protocol(request)
        check_host(request)
    except BadRequest as fault:
        fault.closes = True
        raise
    if request.path not in OPEN:
        check_key(request)
    found = request.match_info.http_exception is None  # else 404 or 405 says more than what follows
    if found and request.method == "POST" and request.content_type != "application/json":
        raise BadRequest('the body must be JSON with "Content-Type: application/json"', status=415, code="not_json")
    return await handler(request)


def check_protocol(request: web.Request) -> None:
    """Refuse what aiohttp lets pass and a next hop may read differently: request smuggling begins there."""
    coding = request.headers.get("transfer-encoding")
    if request.version not in ((1, 0), (1, 1)):
        raise BadRequest("only HTTP/1.0 and HTTP/1.1 are spoken here", status=505, code="http_version")
    if coding is not None and (coding.strip().lower() != "chunked" or request.version == (1, 0)):
        raise BadRequest("the only transfer coding is chunked, over HTTP/1.1", code="transfer_encoding")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise BadRequest("send the body uncompressed", status=415, code="content_encoding")
    if not request.raw_path.startswith("/"):
        raise BadRequest("the request target must be a path", code="request_target")


def check_host(request: web.Request) -> None:
    """Refuse, on loopback, names that are not this machine's: a web page that rebinds its own name must not get in."""
    given = request.headers.get("host", "")
    name, _, port = given.rpartition(":")
    host = (name if port.isdecimal() and (":" not in name or name.endswith("]")) else given).lower().rstrip(".")
    if given and is_loopback(request.app[SETTINGS].host) and not is_loopback(host):
        raise BadRequest("this server answers to localhost only; start it with --host to be reached by another name", status=403)


def check_key(request: web.Request) -> None:
    """Ask for a key, where one is set."""
    digests = request.app[KEYS]
    if not digests:
        return
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
    if not fits(token.strip().encode("utf-8", "surrogateescape"), digests):
        raise BadRequest("the API key is missing or wrong", status=401, code="invalid_api_key")


async def chat(request: web.Request) -> web.StreamResponse:
    """Serve a chat request: mended, observed or relayed."""
    room, limits = request.app[ROOM], request.app[SETTINGS].limits
    with room.holding(announced(request, limits)) as hold:
        raw = await read_bytes(request, limits, hold)
        async with room.place():
            if request.app[SETTINGS].mode == "off" or request.headers.get("x-toolmend-mode") == "off":
                return await pass_on(request, raw, CHAT, request.app[SERVERS].of_body(raw).upstream)
            serving = await begin_chat(request, raw)
            del raw  # whoever needs it has it: a stream that waits holds no more than it must
            return await serving


async def begin_chat(request: web.Request, raw: bytes) -> Awaitable[web.StreamResponse]:
    """Understand a chat request that may need mending; return what serves it."""
    await request.app[TURNSTILE].passed()
    plan, services = await understand(request, raw)
    turn_id = secrets.token_hex(8)
    if plan.unreadable and plan.mode != "off":
        note_unreadable(plan, turn_id, services.journal, services.settings.upstream)
        return pass_on(request, raw, CHAT, services.upstream)
    if plan.mode == "off" or not plan.mends:
        return pass_on(request, raw, CHAT, services.upstream)
    if plan.mode == "observe":
        return observe(request, raw, plan, services, turn_id)
    headers = {"x-toolmend-turn": turn_id, "x-toolmend-mode": plan.mode}
    reply = reply_to(request, headers, services.settings.limits, streamed=plan.streamed)
    return Exchange(services, plan, request.headers, turn_id).run(reply)


async def understand(request: web.Request, raw: bytes) -> tuple[Plan, Services]:
    """Read the body, and find out who speaks, which model is meant and who serves that."""
    prefix, mode = request.path.removesuffix(CHAT), request.headers.get("x-toolmend-mode", "")
    limits = request.app[SETTINGS].limits
    await let_others(raw)
    check_weight(raw, limits)
    await let_others(raw)
    fields = parse_fields(raw)
    await let_others(raw)
    body = body_of(fields, raw, limits)
    await let_others(raw)
    check_depth(body)
    await let_others(raw)
    services = request.app[SERVERS].of(body.text("model"))
    plan = make_plan(body, services.settings, services.profiles, prefix=prefix, mode=mode)
    await let_others(raw)
    return plan, services


async def relayed(request: web.Request) -> web.StreamResponse:
    """Relay a route that is not ours."""
    path = request.path.removeprefix(max((each for each in PREFIXES if request.path.startswith(f"{each}/")), key=len, default=""))
    servers, room, limits = request.app[SERVERS], request.app[ROOM], request.app[SETTINGS].limits
    with room.holding(announced(request, limits) if request.method == "POST" else 0) as hold:
        body = await read_bytes(request, limits, hold) if request.method == "POST" else None
        async with room.place():
            if path == MODELS and servers.others:
                return web.json_response(body=await list_models(servers, request.headers))
            return await pass_on(request, body, path, servers.of_body(body).upstream)


async def pass_on(request: web.Request, body: bytes | None, path: str, upstream: Upstream) -> web.StreamResponse:
    """Relay a request, and tell the operator."""
    started = time.monotonic()
    response = await relay(request, body, upstream, path)
    log.info("relayed", path=path, status=response.status, seconds=round(time.monotonic() - started, 3))
    return response


async def healthz(request: web.Request) -> web.StreamResponse:  # noqa: ARG001 - aiohttp's signature
    """Say that the process lives."""
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.StreamResponse:
    """Say whether there is a model server to serve from."""
    await check_ready(request.app[SERVERS], request.headers)
    return web.json_response({"status": "ready"})
