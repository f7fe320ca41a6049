"""Asks a server over plain HTTP as a framework does, and puts the answer together as the official SDK would, mending nothing."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import aiohttp
import orjson

from proxy.errors import UpstreamRefused
from proxy.reading import as_dict, as_list, as_text
from proxy.sse import EventTooLong, Splitter
from proxy.upstream import CHAT

LIMIT: Final = 4 * 1024 * 1024
"""The longest answer, and the longest event, in bytes."""

TroubleKind = Literal["host", "down", "tls", "timeout", "broke-off", "not-openai", "refused", "error-event"]


class Trouble(Exception):
    """Raised where a server gave no answer that an SDK would take. `status` is HTTP's, 0 where there was none."""

    def __init__(self, kind: TroubleKind, words: str, status: int = 0) -> None:
        super().__init__(words)
        self.kind: TroubleKind = kind
        self.words = words
        self.status = status


@dataclass(frozen=True, slots=True)
class Called:
    """A call as it came: `arguments` are JSON text, or what stands in its place."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    prompt, completion  tokens, as the server tells them; None: it does not
    headers             toolmend's own, in lower case
    seconds             from the request to the end of the answer
    """

    content: str = ""
    reasoning: str = ""
    calls: tuple[Called, ...] = ()
    finish: str | None = None
    prompt: int | None = None
    completion: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """All tokens that are told."""
        return (self.prompt or 0) + (self.completion or 0)


class Server:
    """One base URL, without `/v1`. Owns a session; `close` ends it.

    seconds  the most that one answer may take
    trust    how an https server is checked; True: by the system's authorities
    """

    def __init__(self, url: str, key: str | None, seconds: float, trust: ssl.SSLContext | bool = True) -> None:
        self.url = url
        self._seconds = seconds
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trust),
            timeout=aiohttp.ClientTimeout(total=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            headers={"Authorization": f"Bearer {key}"} if key else {},
        )

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()

    async def get(self, path: str) -> Any:
        """Return the JSON that stands at a path. Raises Trouble."""
        async with self._sent("GET", path, None) as response:
            return _parsed(await _all(response))

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return the JSON that a request is answered with. Raises Trouble."""
        async with self._sent("POST", path, body) as response:
            return _parsed(await _all(response))

    async def ask(self, body: Mapping[str, Any]) -> Answer:
        """Ask for a chat completion, streamed where the body says so. Raises Trouble."""
        began = time.monotonic()
        async with self._sent("POST", CHAT, body) as response:
            notes = {name.lower(): value for name, value in response.headers.items() if name.lower().startswith("x-toolmend-")}
            streamed = body.get("stream") and response.content_type == "text/event-stream"
            made = await _streamed(response) if streamed else _whole(_parsed(await _all(response)))
        return made.answer(notes, time.monotonic() - began)

    @asynccontextmanager
    async def _sent(self, method: str, path: str, body: Mapping[str, Any] | None) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        data = orjson.dumps(body) if body is not None else None
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._session.request(method, self.url + path, data=data, headers=headers, allow_redirects=False) as response,
            ):
                if 300 <= response.status < 400:
                    raise Trouble("not-openai", f"it redirects to {response.headers.get('Location', 'elsewhere')[:200]}")
                if response.status != 200:
                    raise Trouble("refused", _words(response.status, await _all(response)), response.status)
                yield response
        except TimeoutError as error:
            raise Trouble("timeout", f"no whole answer within {self._seconds:g} s") from error
        except (aiohttp.ClientError, ConnectionError, EventTooLong) as error:
            raise _trouble(error) from error


def _trouble(error: Exception) -> Trouble:
    """Say what went wrong with a connection."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return Trouble("host", f"there is no host of this name ({error.os_error.strerror or error.os_error})")
        case aiohttp.ClientConnectorCertificateError():
            return Trouble("tls", f"its certificate is not trusted ({error.certificate_error})")
        case aiohttp.ClientSSLError():
            return Trouble("tls", f"it does not speak TLS as it should ({error})")
        case aiohttp.ClientConnectorError():
            return Trouble("down", f"nothing listens there ({error.os_error.strerror or error.os_error})")
        case aiohttp.ClientResponseError() | aiohttp.InvalidURL():
            return Trouble("not-openai", f"what answers is not HTTP ({error})")
        case EventTooLong():
            return Trouble("not-openai", f"it sent {error}")
        case _:
            return Trouble("broke-off", f"the connection broke before the answer was whole ({error or type(error).__name__})")


async def _all(response: aiohttp.ClientResponse) -> bytes:
    body = await response.content.read(LIMIT)
    while body and len(body) < LIMIT and (more := await response.content.read(LIMIT - len(body))):
        body += more
    return body


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        kind = "a web page" if b"<html" in body[:2000].lower() else "no JSON"
        raise Trouble("not-openai", f"it answered with {kind}") from None


def _words(status: int, body: bytes) -> str:
    """Return what an error answer says, in a line."""
    said = UpstreamRefused(status, body, {}).words
    if not said or said == f"the model server answered HTTP {status}":
        said = "a web page" if b"<html" in body[:2000].lower() else body[:200].decode("utf-8", "replace")
    return f"HTTP {status}: {' '.join(said.split())[:400]}" if said.strip() else f"HTTP {status}"


# -- putting an answer together


@dataclass(slots=True)
class _Made:
    """An answer in the making, by the SDK's rules: texts grow, a call is told by its index, the name comes once."""

    content: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: dict[int, list[str]] = field(default_factory=dict)
    finish: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)

    def take(self, event: Any) -> None:
        if as_dict(event).get("error"):
            raise Trouble(
                "error-event", f"an error in mid-answer: {str(as_dict(event['error']).get('message') or event['error'])[:400]}"
            )
        self.usage = as_dict(as_dict(event).get("usage")) or self.usage
        choice = as_dict(next(iter(as_list(as_dict(event).get("choices"))), None))
        delta = as_dict(choice.get("delta") or choice.get("message"))
        self.content.append(as_text(delta.get("content")))
        self.reasoning.append(as_text(delta.get("reasoning")) or as_text(delta.get("reasoning_content")))
        for place, call in enumerate(as_list(delta.get("tool_calls"))):
            self._call(place, as_dict(call))
        self.finish = as_text(choice.get("finish_reason")) or self.finish

    def _call(self, place: int, call: Mapping[str, Any]) -> None:
        index, function = call.get("index", place), as_dict(call.get("function"))
        made = self.calls.setdefault(index if isinstance(index, int) else place, ["", "", ""])
        arguments = function.get("arguments")
        made[0] = made[0] or as_text(call.get("id"))
        made[1] = made[1] or as_text(function.get("name"))
        made[2] += arguments if isinstance(arguments, str) else "" if arguments is None else orjson.dumps(arguments).decode()

    def answer(self, headers: Mapping[str, str], seconds: float) -> Answer:
        calls = tuple(Called(*self.calls[index]) for index in sorted(self.calls))
        counts = (self.usage.get(name) for name in ("prompt_tokens", "completion_tokens"))
        prompt, completion = (count if isinstance(count, int) else None for count in counts)
        return Answer(
            "".join(self.content), "".join(self.reasoning), calls, self.finish, prompt, completion, headers, round(seconds, 3)
        )


def _whole(body: Any) -> _Made:
    if not as_list(as_dict(body).get("choices")) and not as_dict(body).get("error"):
        raise Trouble("not-openai", "it answered without `choices`")
    made = _Made()
    made.take(body)
    return made


async def _streamed(response: aiohttp.ClientResponse) -> _Made:
    made, splitter, size = _Made(), Splitter(LIMIT), 0
    async for piece in response.content.iter_any():
        size += len(piece)
        if size > LIMIT * 4:
            raise Trouble("not-openai", f"a stream of more than {LIMIT * 4} bytes")
        for data in splitter.feed(piece):
            if data == b"[DONE]":
                return _ended(made)
            made.take(_parsed(data))
    for data in splitter.finish():
        if data != b"[DONE]":
            made.take(_parsed(data))
    return _ended(made)


def _ended(made: _Made) -> _Made:
    if made.finish is None:
        raise Trouble("broke-off", "the stream ended before the answer was finished (no finish_reason)")
    return made
