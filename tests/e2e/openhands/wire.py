"""How an answer goes over the wire: whole or streamed, with logprobs where the raw text is sent."""

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .answers import Answer, Parsed, Raw

END = "<turn|>"
"""Gemma's end of a turn: in the logprobs, never in the content."""

_SPECIAL = ("<|tool_call>", "<tool_call|>", '<|"|>', "<|channel>", "<channel|>", END)
_TOKENS = re.compile("|".join(map(re.escape, _SPECIAL)) + r"|[^\W_]{1,6}|\s+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the request says about the form of the answer."""

    model: str
    logprobs: bool
    usage: bool
    stop: tuple[str, ...]
    special: bool
    limit: int | None

    @staticmethod
    def by(body: Mapping[str, Any]) -> "Asked":
        """Read it from a request's body."""
        stop = body.get("stop") or ()
        return Asked(
            model=str(body.get("model") or "scripted"),
            logprobs=bool(body.get("logprobs")),
            usage=bool((body.get("stream_options") or {}).get("include_usage")),
            stop=(stop,) if isinstance(stop, str) else tuple(stop),
            special=body.get("skip_special_tokens") is False,
            limit=body.get("max_completion_tokens") or body.get("max_tokens"),
        )


@dataclass(frozen=True, slots=True)
class Piece:
    """One token as it was written, and what of it is content."""

    token: str
    content: str


def pieces(answer: Raw, asked: Asked) -> list[Piece]:
    """Cut the raw text into tokens, at most as many as the request allows."""
    return _all_pieces(answer, asked)[: asked.limit]


def _all_pieces(answer: Raw, asked: Asked) -> list[Piece]:
    """Cut the raw text into tokens; the content ends where a stop string begins and leaves special tokens out."""
    written = answer.text + ("" if answer.finish == "length" else END)
    tokens = _TOKENS.findall(written)
    shown = [token if asked.special or token not in _SPECIAL else "" for token in tokens]
    cut = min((at for stop in asked.stop if (at := "".join(shown).find(stop)) >= 0), default=None)
    if cut is None:
        return [Piece(token, content if token != END else "") for token, content in zip(tokens, shown, strict=True)]
    return list(_until(cut, tokens, shown, asked.stop))


def _until(cut: int, tokens: list[str], shown: list[str], stop: tuple[str, ...]) -> Iterator[Piece]:
    """Yield the tokens up to the one that completes the stop string; what follows was never written."""
    text = ""
    for token, content in zip(tokens, shown, strict=True):
        yield Piece(token, content[: max(cut - len(text), 0)])
        text += content
        if any(word in text for word in stop):
            return


def _logprobs(written: list[Piece]) -> dict[str, Any]:
    return {"content": [{"token": p.token, "logprob": -0.01, "bytes": list(p.token.encode())} for p in written]}


def _usage(count: int) -> dict[str, int]:
    return {"prompt_tokens": 8000, "completion_tokens": count, "total_tokens": 8000 + count}


def _count(answer: Answer, asked: Asked) -> int:
    match answer:
        case Raw():
            return len(pieces(answer, asked))
        case Parsed():
            return 12 + len(answer.content or "") // 4 + sum(len(call.arguments) for call in answer.calls) // 4


def _finish(answer: Answer, asked: Asked) -> str:
    match answer:
        case Raw():
            cut = len(pieces(answer, asked)) < len(_all_pieces(answer, asked))
            return "length" if cut else answer.finish
        case Parsed():
            return "tool_calls" if answer.calls else "stop"


def _envelope(asked: Asked, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex[:16]}", "object": kind, "created": 1_790_000_000, "model": asked.model}


def _calls(answer: Parsed) -> list[dict[str, Any]]:
    return [
        {
            "id": f"chatcmpl-tool-{uuid.uuid4().hex[:16]}",
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in answer.calls
    ]


def whole(answer: Answer, asked: Asked) -> dict[str, Any]:
    """Return the answer as one JSON object."""
    logprobs = None
    match answer:
        case Raw():
            written = pieces(answer, asked)
            message: dict[str, Any] = {"role": "assistant", "content": "".join(piece.content for piece in written)}
            logprobs = _logprobs(written) if asked.logprobs else None
        case Parsed():
            message = {"role": "assistant", "content": answer.content}
            if answer.calls:
                message["tool_calls"] = _calls(answer)
    choice = {"index": 0, "message": message, "logprobs": logprobs, "finish_reason": _finish(answer, asked)}
    usage = _usage(_count(answer, asked))
    return {**_envelope(asked, "chat.completion"), "choices": [choice], "usage": usage}


def streamed(answer: Answer, asked: Asked) -> Iterator[bytes]:
    """Yield the answer as server-sent events, as vLLM orders them."""
    envelope = _envelope(asked, "chat.completion.chunk")
    for choice in _choices(answer, asked):
        yield _event({**envelope, "choices": [choice]})
    if asked.usage:
        yield _event({**envelope, "choices": [], "usage": _usage(_count(answer, asked))})
    yield b"data: [DONE]\n\n"


def _choices(answer: Answer, asked: Asked) -> Iterator[dict[str, Any]]:
    yield _choice({"role": "assistant", "content": ""})
    match answer:
        case Raw():
            for piece in pieces(answer, asked):
                yield _choice({"content": piece.content}, _logprobs([piece]) if asked.logprobs else None)
        case Parsed():
            for delta in _deltas(answer):
                yield _choice(delta)
    yield _choice({}, finish=_finish(answer, asked))


def _choice(delta: dict[str, Any], logprobs: dict[str, Any] | None = None, *, finish: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}


def _deltas(answer: Parsed) -> Iterator[dict[str, Any]]:
    """Yield the content in parts, then each call: first its name, then the pieces of its arguments."""
    for part in _parts(answer.content or ""):
        yield {"content": part}
    for index, call in enumerate(_calls(answer)):
        function = call["function"]
        yield {"tool_calls": [{"index": index, **call, "function": {"name": function["name"]}}]}
        for part in _parts(function["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": part}}]}


def _parts(text: str) -> list[str]:
    return [text[at : at + 7] for at in range(0, len(text), 7)]


def _event(value: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n".encode()
