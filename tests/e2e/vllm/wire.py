"""One chat request over plain HTTP, whole or streamed, and the answer in one form."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `calls` are (name, argument text); `raw` is the text rebuilt from logprobs, where there were any."""

    status: int
    calls: tuple[tuple[str, str], ...] = ()
    content: str = ""
    reasoning: str = ""
    finish: str | None = None
    usage: dict[str, Any] | None = None
    raw: str | None = None
    error: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    version: str = ""  # as `system_fingerprint` tells it


def post(url: str, body: dict[str, Any]) -> tuple[int, dict[str, str], str]:
    """Send JSON; return status, headers (lower case) and text, also where the status is an error."""
    asked = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with _direct.open(asked, timeout=120) as reply:
            return reply.status, {k.lower(): v for k, v in reply.headers.items()}, reply.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, {}, refused.read().decode()


def get(url: str) -> str:
    """Return what stands at a URL."""
    with _direct.open(url, timeout=20) as reply:
        text: str = reply.read().decode()
    return text


def answers(url: str) -> bool:
    """Say whether something there answers a GET with 200."""
    try:
        with _direct.open(url, timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def tokens(base: str, text: str) -> int:
    """Count the tokens of a text."""
    _, _, reply = post(f"{base.removesuffix('/v1')}/tokenize", {"model": "tiny", "prompt": text, "add_special_tokens": False})
    return int(json.loads(reply)["count"])


def ask(base: str, body: dict[str, Any], *, stream: bool) -> Answer:
    """Ask `base`/chat/completions and read the answer; a streamed one is put together from its chunks."""
    if stream:
        body = body | {"stream": True, "stream_options": {"include_usage": True}}
    status, headers, text = post(f"{base}/chat/completions", body)
    if status != 200:
        return Answer(status, error=text, headers=headers)
    return _streamed(text, headers) if stream else _whole(json.loads(text), headers)


def _whole(reply: dict[str, Any], headers: dict[str, str]) -> Answer:
    choice = reply["choices"][0]
    message = choice["message"]
    calls = tuple((c["function"]["name"], c["function"]["arguments"]) for c in message.get("tool_calls") or ())
    return Answer(
        200,
        calls,
        message.get("content") or "",
        message.get("reasoning") or message.get("reasoning_content") or "",
        choice["finish_reason"],
        reply.get("usage"),
        _raw([choice.get("logprobs")]),
        headers=headers,
        version=reply.get("system_fingerprint") or "",
    )


def _streamed(text: str, headers: dict[str, str]) -> Answer:
    chunks = list(_events(text))
    errors = [chunk["error"] for chunk in chunks if "error" in chunk]
    choices = [choice for chunk in chunks for choice in chunk.get("choices") or ()]
    deltas = [choice.get("delta") or {} for choice in choices]
    assert errors or text.rstrip().endswith("data: [DONE]"), "the stream has no end"
    return Answer(
        200,
        _joined(part for delta in deltas for part in delta.get("tool_calls") or ()),
        "".join(delta.get("content") or "" for delta in deltas),
        "".join(delta.get("reasoning") or delta.get("reasoning_content") or "" for delta in deltas),
        next((c["finish_reason"] for c in reversed(choices) if c.get("finish_reason")), None),
        next((chunk["usage"] for chunk in reversed(chunks) if chunk.get("usage")), None),
        _raw([choice.get("logprobs") for choice in choices]),
        json.dumps(errors[0]) if errors else None,
        headers,
        next((chunk["system_fingerprint"] for chunk in chunks if chunk.get("system_fingerprint")), ""),
    )


def _events(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        if line.startswith("data:") and line[5:].strip() not in ("", "[DONE]"):
            yield json.loads(line[5:])


def _joined(parts: Iterator[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    """Put streamed pieces of calls together by their index."""
    calls: dict[int, tuple[str, str]] = {}
    for part in parts:
        said = part.get("function") or {}
        name, arguments = calls.get(part["index"], ("", ""))
        calls[part["index"]] = (name + (said.get("name") or ""), arguments + (said.get("arguments") or ""))
    return tuple(calls[index] for index in sorted(calls))


def _raw(logprobs: list[dict[str, Any] | None]) -> str | None:
    """Join the bytes of the sampled tokens: the model's text, special tokens and end token included."""
    tokens = [token for each in logprobs if each for token in each.get("content") or ()]
    return b"".join(bytes(token["bytes"]) for token in tokens).decode() if tokens else None
