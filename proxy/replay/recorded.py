"""Stands in for the model server, and says what it said when a turn was recorded."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from multidict import CIMultiDict

from proxy.errors import BadRequest, Fault, Overloaded, UpstreamBroken, UpstreamRefused, UpstreamTimeout, UpstreamUnreachable
from proxy.recording import BROKE_OFF
from proxy.settings import Settings
from proxy.upstream import Upstream

END = "<|end|>"
"""Stands for the end token, of which a record only says that it was there."""

NO_MORE = "no-more-answers"
"""Code of the error where more is asked than was asked then."""

FAULTS: Mapping[str, type[Fault]] = {
    "upstream_unreachable": UpstreamUnreachable,
    "upstream_timeout": UpstreamTimeout,
    "overloaded": Overloaded,
}

Attempt = Mapping[str, Any]
"""One attempt of a record, as it stands in the journal."""


@dataclass(slots=True)
class Answered:
    """An answer as the code that reads it sees it."""

    attempt: Attempt
    status: int
    content_type: str

    def close(self) -> None:
        """Do nothing: there is no connection."""


class Recorded(Upstream):
    """The model server of one recorded turn. It answers with what was recorded, in order.

    aborted  the client was gone in the end: what comes after the last answer is that
    asked    how many questions came beyond those that were asked then
    """

    def __init__(self, settings: Settings, attempts: Sequence[Attempt], *, aborted: bool) -> None:
        self.limits = settings.limits
        self.lost = lambda: None
        self._attempts = deque(attempts)
        self._aborted = aborted
        self.asked_more = 0

    def headers(self, client: Mapping[str, str]) -> CIMultiDict[str]:  # noqa: ARG002
        """Return nothing: nobody reads them."""
        return CIMultiDict()

    @asynccontextmanager
    async def ask(
        self,
        method: str,  # noqa: ARG002 - here and below: Upstream's signatures
        path: str,  # noqa: ARG002
        body: bytes | None,  # noqa: ARG002
        headers: Mapping[str, str],  # noqa: ARG002
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Yield the next answer. Raises the fault that came in its place."""
        if not self._attempts:
            if self._aborted:
                raise asyncio.CancelledError
            self.asked_more += 1
            raise UpstreamUnreachable("nothing more was recorded", code=NO_MORE)
        attempt = self._attempts.popleft()
        fault = fault_of(attempt)
        if fault is not None and not isinstance(fault, UpstreamRefused) and not _begun(attempt):
            raise fault
        whole = not attempt["came"]["streamed"]
        answered = Answered(
            attempt, attempt["http"] if isinstance(fault, UpstreamRefused) else 200, "application/json" if whole else ""
        )
        yield answered  # type: ignore[misc]

    async def pieces(self, response: Any) -> AsyncIterator[bytes]:
        """Yield the events of an answer."""
        for event in events(response.attempt):
            yield b"data: " + event + b"\n\n"
        fault = fault_of(response.attempt)
        if fault is not None:
            raise fault
        if response.attempt["problem"] == BROKE_OFF:
            raise asyncio.CancelledError if self._aborted else TimeoutError

    async def drain(self, response: Any) -> None:
        """Do nothing: there is no connection."""

    async def body(self, response: Any, limit: int) -> bytes:  # noqa: ARG002
        """Return an answer that came in one piece."""
        return whole_of(response.attempt)

    async def refusal(self, response: Any) -> UpstreamRefused:
        """Return the error that the server answered with."""
        fault = fault_of(response.attempt)
        assert isinstance(fault, UpstreamRefused)
        return fault


def _begun(attempt: Attempt) -> bool:
    came = attempt["came"]
    return bool(attempt["raw"] or came["reasoning"] or came["calls"] or came["finish"])


def fault_of(attempt: Attempt) -> Fault | None:
    """Return the fault that came in place of an answer, or broke it off; None where it was finished, or given up by us."""
    code, words = attempt["problem"], attempt["error"]
    if not words:
        return None
    if code == UpstreamRefused.code:
        return UpstreamRefused(attempt["http"], orjson.dumps({"error": {"message": words}}), {})
    if code in FAULTS:
        return FAULTS[code](words)
    if 400 <= attempt["http"] < 500:
        return BadRequest(words, status=attempt["http"], code=code)
    return UpstreamBroken(words, code=code)


def events(attempt: Attempt) -> Iterator[bytes]:
    """Yield the data of the events of a streamed answer, such that reading them gives the same again."""
    came, choices = attempt["came"], list(_choices(attempt))
    for choice in choices:
        yield orjson.dumps({"id": "recorded", "choices": [choice]})
    if came["finish"]:
        end: dict[str, Any] = {"choices": [], "usage": _usage(attempt), "system_fingerprint": came["version"] or None}
        yield orjson.dumps(end)
    if came["done"]:
        yield b"[DONE]"


def whole_of(attempt: Attempt) -> bytes:
    """Return the body of an answer that came in one piece."""
    message: dict[str, Any] = {"role": "assistant", "content": "", "reasoning": "", "tool_calls": []}
    entries: list[Any] = []
    last: dict[str, Any] = {}
    for choice in _choices(attempt):
        delta = choice["delta"]
        message["content"] += delta.get("content", "")
        message["reasoning"] += delta.get("reasoning", "")
        message["tool_calls"] += delta.get("tool_calls", [])
        entries += (choice.get("logprobs") or {}).get("content", [])
        last = choice
    logprobs = {"logprobs": {"content": entries}} if entries else {}
    choice = {"index": 0, "message": message, "finish_reason": last.get("finish_reason"), "stop_reason": last.get("stop_reason")}
    return orjson.dumps({"id": "recorded", "choices": [choice | logprobs], "usage": _usage(attempt)})


def bytes_of(attempt: Attempt) -> bytes:
    """Return what a server would have to send for an answer to be read again."""
    if not attempt["came"]["streamed"]:
        return whole_of(attempt)
    return b"".join(b"data: " + each + b"\n\n" for each in events(attempt))


def _choices(attempt: Attempt) -> Iterator[dict[str, Any]]:
    came, raw = attempt["came"], attempt["raw"]
    exact = came["source"] == "logprobs"
    thought = {"reasoning": came["reasoning"]} if came["reasoning"] else {}
    if exact:
        yield from _exact(
            _split(raw, attempt), {**thought, "content": raw if came["content"] is None else came["content"]}, ended=came["ended"]
        )
    else:
        yield from ({"index": 0, "delta": delta} for delta in ([thought] if thought else []))
        yield from ({"index": 0, "delta": {"content": piece}} for piece in _split(raw, attempt))
    for place, call in enumerate(came["calls"]):
        function = {"name": call["name"], "arguments": call["arguments"]}
        yield {
            "index": 0,
            "delta": {"tool_calls": [{"index": place, "id": f"call_{place}", "type": "function", "function": function}]},
        }
    if came["finish"]:
        yield {"index": 0, "delta": {}, "finish_reason": came["finish"], "stop_reason": came["stop"] or None}


def _exact(tokens: Sequence[str], first: dict[str, Any], *, ended: bool) -> Iterator[dict[str, Any]]:
    """Yield tokens with their bytes. What the server made of the text comes with the first one."""
    delta = first
    for token in (*tokens, END) if ended else tokens:
        entry = {"token": token, "bytes": list(token.encode("utf-8", "surrogatepass"))}
        yield {"index": 0, "delta": delta, "logprobs": {"content": [entry]}}
        delta = {}
    if delta:
        yield {"index": 0, "delta": delta}


def _split(raw: str, attempt: Attempt) -> list[str]:
    """Cut a text into its tokens where they are known, else into as many pieces of the same length."""
    lengths = attempt["came"]["lengths"]
    if not lengths:
        count = max(min(attempt["usage"]["completion"], len(raw)), 1)
        size = -(-len(raw) // count) or 1
        lengths = [size] * (-(-len(raw) // size))
    pieces, at = [], 0
    for length in lengths:
        pieces.append(raw[at : at + length])
        at += length
    return [piece for piece in (*pieces, raw[at:]) if piece]


def _usage(attempt: Attempt) -> dict[str, int]:
    used = attempt["usage"]
    return {"prompt_tokens": used["prompt"], "completion_tokens": used["completion"]}
