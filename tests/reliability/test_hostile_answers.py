"""A model server that is hostile: answers that are none, that hide others, and headers that are nobody's business."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from proxy.demo.speak import Said, events, whole
from tests.conftest import BASH, MODEL
from tests.reliability.hostile import Script, response
from tests.reliability.load import Came, ask, unbounded
from tests.reliability.raw import exchange, post
from tests.reliability.shared import HOSTILE_MODEL, Shared

pytestmark = pytest.mark.asyncio(loop_scope="session")

Say = Callable[[str], None]

SSE = "text/event-stream"
STREAM = b"".join(events(Said("fine"), {"model": HOSTILE_MODEL, "stream_options": {"include_usage": True}}))
WHOLE = orjson.dumps(whole(Said("fine"), {"model": HOSTILE_MODEL}))
LEAKS = (
    "Set-Cookie: leak=1",
    "Set-Cookie2: leak=1",
    "Server: leak",
    "Via: 1.1 leak",
    "X-Powered-By: leak",
    "Location: http://127.0.0.1/leak",
    "Refresh: 0; url=http://127.0.0.1/leak",
    "Access-Control-Allow-Origin: leak",
    "Access-Control-Allow-Credentials: leak",
    "Proxy-Authenticate: Basic realm=leak",
    "WWW-Authenticate: Basic realm=leak",
    "Strict-Transport-Security: max-age=leak",
    "Alt-Svc: leak",
    "Link: <leak>",
    "Content-Disposition: attachment; filename=leak",
    "Trailer: X-Leak",
    "X-Toolmend-Outcome: leak",
    "X-Accel-Redirect: /leak",
    "Connection: X-Leak, close",
    "X-Leak: leak",
    "Keep-Alive: timeout=leak",
)
"""Headers of an answer that are not for a client."""


def sse(*data: bytes, more: bytes = b"") -> bytes:
    """Write an event stream that begins well."""
    return response(b"".join(b"data: " + each + b"\n\n" for each in data) + more, *LEAKS, kind=SSE)


def says(line: str, *headers: str, body: bytes = b"{}") -> bytes:
    """Write an answer with these headers as they are."""
    return "\r\n".join([line, *LEAKS, *headers, "", ""]).encode("latin-1") + body


def chunk(choices: Any, **more: Any) -> bytes:
    return orjson.dumps({"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more})


async def drip_interim(writer: asyncio.StreamWriter) -> None:
    """Send twenty thousand early hints, and never an answer."""
    for _ in range(200):
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: <leak>\r\n\r\n" * 100)
        await writer.drain()
        await asyncio.sleep(0.001)


OK = "HTTP/1.1 200 OK"
JSON = "Content-Type: application/json"
DEEP = b"[" * 100_000

ANSWERS: dict[str, Script] = {
    "nothing": b"",
    "no HTTP": b"\x00\x01\x02leak\r\n\r\n",
    "a line without headers": b"leak\n",
    "HTTP/0.9": b"<html>leak</html>",
    "HTTP/2.0": says("HTTP/2.0 200 OK", JSON, "Content-Length: 2"),
    "half a status line": b"HTTP/1.1 2",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Type: text/ev",
    "status 101": says("HTTP/1.1 101 Switching Protocols", "Upgrade: leak", "Connection: Upgrade", body=b"leak"),
    "status 20,000 times 103": drip_interim,
    **{
        f"status {code}": says(f"HTTP/1.1 {code} Moved", "Content-Length: 0", body=b"")
        for code in (300, 301, 302, 303, 304, 305, 307, 308)
    },
    "status 99": says("HTTP/1.1 099 Odd", "Content-Length: 2"),
    "status 999": says("HTTP/1.1 999 Odd", JSON, "Content-Length: 2"),
    "status 204": says("HTTP/1.1 204 No Content", body=b""),
    "status in letters": says("HTTP/1.1 two OK", "Content-Length: 2"),
    "CL and TE": says(OK, JSON, "Content-Length: 5", "Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n"),
    "CL twice": says(OK, JSON, "Content-Length: 2", "Content-Length: 200"),
    "CL negative": says(OK, JSON, "Content-Length: -2"),
    "TE unknown": says(OK, JSON, "Transfer-Encoding: leak"),
    "chunk size no number": says(OK, f"Content-Type: {SSE}", "Transfer-Encoding: chunked", body=b"leak\r\n{}\r\n0\r\n\r\n"),
    "chunk cut": says(OK, f"Content-Type: {SSE}", "Transfer-Encoding: chunked", body=b"ff\r\ndata: {}\n\n"),
    "shorter than it says": says(OK, f"Content-Type: {SSE}", "Content-Length: 100000", body=STREAM[:400]),
    "JSON shorter than it says": says(OK, JSON, "Content-Length: 100000", body=WHOLE),
    "NUL in a header": says(OK, JSON, "X-Leak: a\x00b", "Content-Length: 2"),
    "CR in a header": says(OK, JSON, "X-Request-Id: a\rSet-Cookie: leak=1", "Content-Length: 2"),
    "header of 20 KB": says(OK, JSON, "X-Request-Id: " + "a" * 20_000, "Content-Length: 2"),
    "10,000 headers": says(OK, JSON, *(f"X-{at}: leak" for at in range(10_000)), "Content-Length: 2"),
    "gzip": response(gzip.compress(STREAM), "Content-Encoding: gzip", *LEAKS, kind=SSE),
    "gzip of 10 MB": response(gzip.compress(bytes(10_000_000), 1), "Content-Encoding: gzip", *LEAKS),
    "HTML": response(b"<html>sign in</html>", *LEAKS, kind="text/html"),
    "JSON: no JSON": response(b"{]", *LEAKS),
    "JSON: nothing": response(b"", *LEAKS),
    "JSON: a list": response(b"[]", *LEAKS),
    "JSON: null": response(b"null", *LEAKS),
    "JSON: deep": response(DEEP, *LEAKS),
    "JSON: bytes that are no text": response(b'{"choices":"\xff\xfe"}', *LEAKS),
    "JSON: no choices": response(b'{"choices":[]}', *LEAKS),
    "JSON: 5 MB": response(b'{"a":"' + b"x" * 5_000_000 + b'"}', *LEAKS),
    "event: 800,000 lists": sse(b'{"choices":[' + b"[]," * 800_000 + b"[]]}"),
    "JSON: 400,000 lists": response(b'{"choices":[' + b"[]," * 400_000 + b"[]]}", *LEAKS),
    **{
        f"JSON: choices {bad!r}": response(orjson.dumps({"choices": bad}), *LEAKS)
        for bad in (1, "x", {}, [1], [None], [[]], [{}])
    },
    "event: no JSON": sse(b"{]"),
    "event: a list": sse(b"[]"),
    "event: a number": sse(b"1e400"),
    "event: deep": sse(DEEP),
    "event: bytes that are no text": sse(b'{"choices":"\xff\xfe"}'),
    "event: of 5 MB": sse(b'{"choices":[],"a":"' + b"x" * 5_000_000 + b'"}'),
    "event: without an end": sse(more=b"data: " + b"x" * 5_000_000),
    "event: 5 MB of lines": sse(more=b"data: x\n" * 700_000),
    "event: an error": sse(chunk([]), b'{"error":{"message":"no","code":500}}'),
    "event: an error that is odd": sse(chunk([]), b'{"error":[[[1]]]}'),
    "event: none": sse(),
    "event: no end": sse(chunk([{"index": 0, "delta": {"content": "x"}}])),
    "event: only [DONE]": sse(b"[DONE]"),
    **{f"event: choices {bad!r}": sse(chunk(bad), b"[DONE]") for bad in (1, "x", {}, [1], [None], [[]], [{}])},
    **{
        f"event: delta {bad!r}": sse(chunk([{"index": 0, "delta": bad}]), b"[DONE]")
        for bad in (1, "x", [], {"content": 1}, {"content": {}}, {"tool_calls": 1}, {"tool_calls": [1]}, {"tool_calls": {"a": 1}})
    },
    **{
        f"event: logprobs {bad!r}": sse(chunk([{"index": 0, "delta": {"content": "x"}, "logprobs": bad}]), b"[DONE]")
        for bad in (
            1,
            "x",
            [],
            {"content": 1},
            {"content": [1]},
            {"content": [{"bytes": [999, -1]}]},
            {"content": [{"bytes": "x"}]},
        )
    },
}
"""Each of these is told to the client as an error."""

BROKEN = [
    *("nothing", "no HTTP", "a line without headers", "HTTP/0.9", "half a status line", "half a head", "CL and TE", "CL twice"),
    *("CL negative", "chunk size no number", "chunk cut", "shorter than it says", "JSON shorter than it says"),
    *("NUL in a header", "CR in a header", "header of 20 KB", "10,000 headers"),
    *(name for name in ANSWERS if name.startswith("status ") and name != "status 204"),
]
"""What is no answer of HTTP: told as an error where answers are only passed on as well."""


def is_error(came: Came) -> bool:
    """Tell whether a client learns that the answer is none."""
    if came.status in (502, 504):
        return isinstance(orjson.loads(came.data)["error"], dict)
    if came.status != 200 or came.error:
        return bool(came.error)
    told = any("error" in each for each in came.events if isinstance(each, dict))
    return told and not came.done


def headers_of(came: Came) -> str:
    return "\n".join(f"{name}: {value}" for name, value in came.headers.items())


async def asked_of(shared: Shared, script: Script, **body: Any) -> Came:
    shared.hostile.answers = [script]
    async with unbounded() as session:
        return await ask(session, shared.url, model=HOSTILE_MODEL, **body)


@pytest.mark.row("H6")
async def test_hostile_answers_are_told_as_errors(shared: Shared, reached: Say, stream: bool) -> None:
    passed, leaked = [], []
    for name, script in ANSWERS.items():
        came = await asked_of(shared, script, stream=stream)
        passed += [] if is_error(came) else [(name, came.status, came.error, came.data[:200])]
        leaked += [name] if "leak" in headers_of(came) else []
    reached(f"{len(ANSWERS) - len(passed)} of {len(ANSWERS)} told as errors, {len(leaked)} with a header of theirs")
    assert passed == []
    assert leaked == []


@pytest.mark.row("H6")
async def test_what_is_only_relayed_is_http_and_nothing_else(shared: Shared, reached: Say, stream: bool) -> None:
    passed, leaked = [], []
    for name, script in ANSWERS.items():
        came = await asked_of(shared, script, stream=stream, tools=None)
        passed += [(name, came.status, came.data[:200])] if name in BROKEN and not is_error(came) else []
        leaked += [name] if "leak" in headers_of(came) or not (200 <= came.status < 300 or 400 <= came.status < 600) else []
    reached(f"relayed: {len(BROKEN) - len(passed)} of {len(BROKEN)} that are no HTTP told as errors")
    assert passed == []
    assert leaked == []


@pytest.mark.row("H6")
async def test_an_answer_that_nobody_asked_for_is_nobodys(shared: Shared, stream: bool) -> None:
    """Behind the first answer stands another, on a connection that stays open: the next question must not get it."""
    evil = b"".join(events(Said("evil"), {"model": "m", "stream_options": {"include_usage": True}}))

    async def two(writer: asyncio.StreamWriter) -> None:
        writer.write(response(STREAM, kind=SSE) + response(evil, kind=SSE))
        await writer.drain()
        await asyncio.sleep(0.3)

    for _ in range(5):
        came = await asked_of(shared, two, stream=stream)
        assert (came.status, came.text) == (200, "fine")
    assert len(shared.hostile.requests) == 5


REQUEST_HEADERS = (
    "Cookie: leak=1",
    "Connection: X-Leak, keep-alive",
    "X-Leak: leak",
    "Keep-Alive: timeout=leak",
    "TE: trailers, leak",
    "Trailer: X-Leak",
    "Proxy-Authorization: Basic leak",
    "Proxy-Connection: leak",
    "Proxy: http://leak",
    "Via: 1.1 leak",
    "Forwarded: for=leak;host=leak",
    "X-Forwarded-For: leak",
    "X-Forwarded-Host: leak",
    "X-Forwarded-Proto: leak",
    "X-Real-IP: leak",
    "X-Original-URL: /leak",
    "X-Rewrite-URL: /leak",
    "X-HTTP-Method-Override: leak",
    "X-Toolmend-Leak: leak",
    "Origin: http://127.0.0.1",
    "Referer: http://leak",
    "If-None-Match: leak",
    "Range: bytes=0-1",
    "Accept-Encoding: gzip, br",
    "Expect: 100-continue",
    "Content-MD5: leak",
    "OpenAI-Organization: leak",
)
"""Headers of a request that are not for a model server."""

PASSING = {
    "host",
    "accept",
    "accept-encoding",
    "user-agent",
    "content-type",
    "content-length",
    "authorization",
    "x-request-id",
    "x-toolmend-conversation",
}
OUR_ANSWERS = {
    "content-type",
    "content-length",
    "transfer-encoding",
    "cache-control",
    "date",
    "server",
    "connection",
    "x-request-id",
}


def names(head: bytes) -> set[str]:
    """Return the names of a head's headers."""
    lines = head.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    return {line.partition(":")[0].lower() for line in lines}


@pytest.mark.row("H3")
@pytest.mark.parametrize("way", ["mended", "relayed", "embeddings"])
async def test_headers_of_one_hop_pass_neither_way(shared: Shared, reached: Say, stream: bool, way: str) -> None:
    body = orjson.dumps(
        {
            "model": HOSTILE_MODEL,
            "messages": [{"role": "user", "content": "go"}],
            "stream": stream,
            **({"tools": [BASH]} if way == "mended" else {}),
        }
    )
    said = (STREAM, SSE) if stream or way == "mended" else (WHOLE, "application/json")
    shared.hostile.answers = [response(said[0], "X-Request-Id: r-1", *LEAKS, kind=said[1])]
    request = post(
        body,
        "Authorization: Bearer sk-theirs",
        "X-Request-Id: r-1",
        *REQUEST_HEADERS,
        target="/v1/embeddings" if way == "embeddings" else "/v1/chat/completions",
    ).replace(b"Connection: close\r\n", b"Connection: close, X-Leak\r\n", 1)
    answer = (await exchange(shared.url, request)).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
    sent = shared.hostile.requests[-1].partition(b"\r\n\r\n")[0]
    extra = names(sent) - PASSING | {name for name in names(answer) - OUR_ANSWERS if not name.startswith("x-toolmend-")}
    leaks = (sent + answer.partition(b"\r\n\r\n")[0]).count(b"leak")
    reached(f"{way}: {len(extra)} of {len(REQUEST_HEADERS)} and {len(LEAKS)} headers passed")
    assert extra == set()
    assert leaks == 0
    assert b"Accept-Encoding: identity" in sent
    assert b"Bearer sk-theirs" in sent


@pytest.mark.row("H3")
async def test_an_offer_to_upgrade_is_not_taken(shared: Shared) -> None:
    for offered in ("h2c", "websocket", "TLS/1.0", "leak"):
        shared.forget()
        asks = post(b'{"input":"x"}', f"Upgrade: {offered}", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA", target="/v1/embeddings")
        answer = await exchange(shared.url, asks.replace(b"Connection: close", b"Connection: close, Upgrade, HTTP2-Settings"))
        assert answer.startswith(b"HTTP/1.1 200"), (offered, answer[:100])
        assert "upgrade" not in {name.lower() for name in shared.vllm.headers[-1]}


@pytest.mark.row("H3")
async def test_cookies_of_one_client_are_not_anothers(shared: Shared) -> None:
    shared.hostile.answers = [response(STREAM, "Set-Cookie: session=leak; Path=/", kind=SSE)]
    async with unbounded() as session:
        for _ in range(3):
            came = await ask(session, shared.url, model=HOSTILE_MODEL)
            assert (came.status, "set-cookie" in came.headers) == (200, False)
    assert not any(b"cookie" in each.lower() for each in shared.hostile.requests)


ELSEWHERE = (
    *("api_base", "base_url", "api_url", "url", "endpoint", "host", "server", "proxy", "upstream", "custom_llm_provider"),
    *("model_list", "fallbacks", "callbacks", "webhook_url", "success_callback", "litellm_params"),
)
"""Members with which other proxies can be told whom to ask (CVE-2024-6587 was one)."""


@pytest.mark.row("H16")
async def test_no_member_and_no_header_leads_elsewhere(shared: Shared, reached: Say, stream: bool) -> None:
    url = shared.elsewhere.url
    address = url.removeprefix("http://")
    members: dict[str, Any] = {name: url for name in ELSEWHERE}
    members |= {"extra_headers": {"Host": address, "X-Leak": "leak"}, "extra_query": {"a": url}, "extra_body": {"api_base": url}}
    headers = {"X-Forwarded-Host": address, "X-Forwarded-For": address, "Forwarded": f"host={address}", "X-Original-URL": url}
    asked = 0
    async with unbounded() as session:
        for name, value in members.items():
            body = {
                "model": MODEL,
                "messages": [{"role": "user", "content": "go"}],
                "tools": [BASH],
                "stream": stream,
                name: value,
            }
            async with session.post(f"{shared.url}/v1/chat/completions", json=body) as answer:
                assert answer.status == 200, name
            asked += 1
        for name, value in headers.items():
            async with session.post(f"{shared.url}/v1/embeddings", json={"input": "x"}, headers={name: value}) as answer:
                assert answer.status == 200
                asked += 1
        for model in (url, f"{url}/v1", f"openai/{address}", "../../x", f"x@{address}"):
            assert (await ask(session, shared.url, model=model, stream=stream)).status == 200
            asked += 1
        for content in (url, f"file://{__file__}"):
            image = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": content}}]}]
            assert (await ask(session, shared.url, messages=image, stream=stream)).status == 200
            asked += 1
    lines = (
        "POST {}/v1/embeddings HTTP/1.1",
        "POST //{}/v1/embeddings HTTP/1.1",
        "CONNECT {} HTTP/1.1",
        "POST @{}/v1/models HTTP/1.1",
    )
    for line in lines:
        start = line.format(url if line.startswith("POST {}") else address)
        answer = await exchange(shared.url, post(b"{}").replace(b"POST /v1/chat/completions HTTP/1.1", start.encode()))
        assert answer[9:12] in (b"400", b"404"), line
        asked += 1
    reached(f"{len(shared.elsewhere.requests)} connections elsewhere in {asked} tries")
    assert shared.elsewhere.requests == []
    assert not any("leak" in str(value) for head in shared.vllm.headers for value in head.values())


@pytest.mark.row("H16")
async def test_redirects_and_proxies_of_the_environment_lead_nowhere(shared: Shared, reached: Say, stream: bool) -> None:
    codes = ("301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent")
    for code in codes:
        for tools in ([BASH], None):
            came = await asked_of(
                shared, response(b"", f"Location: {shared.elsewhere.url}/v1", status=code), stream=stream, tools=tools
            )
            assert came.status == 502, code
            assert "location" not in came.headers
    reached(f"{len(shared.elsewhere.requests)} in {2 * len(codes)} redirects, with HTTP_PROXY and ALL_PROXY set")
    assert shared.elsewhere.requests == []
