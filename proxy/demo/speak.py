"""Speaks as a vLLM server does: an answer's raw text becomes chunks, log-probabilities, usage, or one JSON object.

Used by the demonstration's simulated model and by the tests' fake server. What is imitated was recorded from vLLM 0.32:
content without special tokens, log-probabilities with every token and the end token, a usage event after the last choice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

END = "<turn|>"
_SPECIAL = re.compile(r'(<\|"\|>|<\|[a-z_]+>|<[a-z_]+\|>|</?(?:think|tool_call)>)')
_HIDDEN = re.compile(r'<\|"\|>|<\|[a-z_]+>|<[a-z_]+\|>')


@dataclass(frozen=True, slots=True)
class Said:
    """What a model said. `calls` are what the server's own parser made of it; without `raw` it gives no raw text either.

    fingerprint  tells the server's version; empty: it tells none
    """

    raw: str = ""
    finish: str = "stop"
    stop_reason: Any = None
    calls: Sequence[Mapping[str, Any]] = ()
    prompt_tokens: int = 100
    fingerprint: str = ""


def tokens(raw: str) -> list[str]:
    """Cut text into pieces as a tokenizer might: special tokens whole, the rest in short pieces."""
    pieces: list[str] = []
    for part in _SPECIAL.split(raw):
        if _SPECIAL.fullmatch(part):
            pieces.append(part)
        else:
            pieces += [part[at : at + 4] for at in range(0, len(part), 4)]
    return pieces


def events(said: Said, asked: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield the events of a streamed answer."""
    model = str(asked.get("model", ""))  # any JSON may stand there
    head = {"id": "chatcmpl-sim", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": model}

    def event(delta: Mapping[str, Any], finish: str | None = None, logprobs: Any = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        if finish:
            choice["stop_reason"] = said.stop_reason
        return b"data: " + orjson.dumps({**head, "choices": [choice]}) + b"\n\n"

    exact = bool(asked.get("logprobs")) and bool(said.raw or not said.calls)
    yield event({"role": "assistant", "content": ""})
    pieces = tokens(said.raw)
    for piece in pieces:
        shown = "" if said.calls or _HIDDEN.fullmatch(piece) else piece
        yield event({"content": shown} if shown else {}, None, logprob(piece) if exact else None)
    for index, call in enumerate(said.calls):
        function = call["function"]
        yield event(
            {"tool_calls": [{"index": index, "id": call["id"], "type": "function", "function": {"name": function["name"]}}]}
        )
        yield event({"tool_calls": [{"index": index, "function": {"arguments": function["arguments"]}}]})
    ends = exact and said.finish == "stop" and not isinstance(said.stop_reason, str)
    yield event({}, "tool_calls" if said.calls else said.finish, logprob(END) if ends else None)
    options = asked.get("stream_options")
    if isinstance(options, dict) and options.get("include_usage"):
        told = {"system_fingerprint": said.fingerprint} if said.fingerprint else {}
        yield b"data: " + orjson.dumps({**head, "choices": [], "usage": usage(said), **told}) + b"\n\n"
    yield b"data: [DONE]\n\n"


def logprob(piece: str) -> dict[str, Any]:
    """Return one token's log-probability as the API has it."""
    return {"content": [{"token": piece, "logprob": -0.1, "bytes": list(piece.encode()), "top_logprobs": []}]}


def usage(said: Said) -> dict[str, int]:
    """Return the usage of an answer; the end token counts."""
    used = len(tokens(said.raw)) + (said.finish == "stop")
    return {"prompt_tokens": said.prompt_tokens, "completion_tokens": used, "total_tokens": said.prompt_tokens + used}


def whole(said: Said, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer in one piece."""
    message: dict[str, Any] = {"role": "assistant", "content": _HIDDEN.sub("", said.raw)}
    if said.calls:
        message |= {"content": None, "tool_calls": list(said.calls)}
    logprobs = {"content": [logprob(piece)["content"][0] for piece in tokens(said.raw)]} if asked.get("logprobs") else None
    finish = "tool_calls" if said.calls else said.finish
    told = {"system_fingerprint": said.fingerprint} if said.fingerprint else {}
    return told | {
        "id": "chatcmpl-sim",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": str(asked.get("model", "")),
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": logprobs}],
        "usage": usage(said),
    }
