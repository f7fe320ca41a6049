"""Imitations of servers that are not vLLM: what they refuse, what they hold a model to, and how their answers look.

None of them is the real thing. llama-server's words and shapes were recorded from b11434; the others' come from their sources and
from reports (the places stand in docs/upstreams.md). Each knows one thing to say freely, a call that its own parser made out, and
one thing to say where it is held to JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.fake_vllm import Answer

Refusal = tuple[int, Any]
"""HTTP status and body."""


@dataclass(frozen=True)
class Imitation:
    """How a server behaves.

    head     what stands beside the choices of each answer
    refuses  what it answers to a request that it does not take
    held     whether it holds the model to what the request asks for
    whole    it does not stream
    """

    name: str
    head: Mapping[str, Any]
    refuses: Callable[[Mapping[str, Any]], Refusal | None]
    held: Callable[[Mapping[str, Any]], bool]
    whole: bool = False

    def says(self, call: tuple[str, Mapping[str, Any]], text: str) -> Answer:
        """Return what answers every request: with a call, or where it is held to JSON with a text."""

        async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
            refusal = self.refuses(body)
            if refusal is not None:
                return web.json_response(refusal[1], status=refusal[0])
            message = {"content": text} if self.held(body) else {"content": None, "tool_calls": [_call(call)]}
            if self.whole:
                return web.json_response(self._whole(message))
            return await self._stream(request, message, body)

        return answer

    def _choice(self, **more: Any) -> dict[str, Any]:
        return {**self.head, "choices": [{"index": 0, **more}]}

    def _whole(self, message: Mapping[str, Any]) -> dict[str, Any]:
        finish = "tool_calls" if "tool_calls" in message else "stop"
        answer = self._choice(message={"role": "assistant", **message}, finish_reason=finish)
        return {**answer, "object": "chat.completion", "usage": USAGE}

    async def _stream(self, request: web.Request, message: Mapping[str, Any], body: Mapping[str, Any]) -> web.StreamResponse:
        events = [self._choice(delta={"role": "assistant", "content": None}, finish_reason=None)]
        content = message.get("content") or ""
        for at in range(0, len(content), 5):
            events.append(self._choice(delta={"content": content[at : at + 5]}, finish_reason=None))
        for call in message.get("tool_calls", ()):
            events.append(self._choice(delta={"tool_calls": [{"index": 0, **call}]}, finish_reason=None))
        events.append(self._choice(delta={}, finish_reason="tool_calls" if "tool_calls" in message else "stop"))
        if (body.get("stream_options") or {}).get("include_usage"):
            events.append({**self.head, "choices": [], "usage": USAGE})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for event in events:
            await response.write(b"data: " + json.dumps({**event, "object": "chat.completion.chunk"}).encode() + b"\n\n")
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response


USAGE = {"prompt_tokens": 100, "completion_tokens": 9, "total_tokens": 109}


def _call(call: tuple[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": {"name": call[0], "arguments": json.dumps(call[1])}}


def asked(body: Mapping[str, Any]) -> str:
    """Name the form in which an answer is asked for; empty: in none."""
    members = ("grammar", "ebnf", "structured_outputs", "guided_json")
    format_ = body.get("response_format") or {}
    strict = (format_.get("json_schema") or {}).get("strict")
    return next((each for each in members if each in body), ("strict_" if strict else "") + format_.get("type", ""))


def _llama(body: Mapping[str, Any]) -> Refusal | None:
    def refusal(words: str) -> Refusal:
        return 400, {"error": {"code": 400, "message": words, "type": "invalid_request_error"}}

    form = (body.get("response_format") or {}).get("type", "text")
    if form not in ("text", "json_object", "json_schema"):
        return refusal(f'response_format type must be one of "text" or "json_object", but got: {form}')
    if body.get("tools") and body.get("tool_choice") != "none" and "grammar" in body:
        return refusal("Cannot use custom grammar constraints with tools.")
    if body.get("tools") and body.get("stream") and body.get("logprobs"):
        return refusal("logprobs is not supported with tools + stream")
    return None


def _lmstudio(body: Mapping[str, Any]) -> Refusal | None:
    known = asked(body) in ("", "json_schema", "guided_json")
    return None if known else (400, {"error": "'response_format.type' must be 'json_schema' or 'text'"})


def _pydantic(*known: str) -> Callable[[Mapping[str, Any]], Refusal | None]:
    """Refuse as FastAPI's validation does in SGLang and in vLLM before the structural tag of xgrammar 0.1.25."""

    def refuses(body: Mapping[str, Any]) -> Refusal | None:
        if "response_format" not in body or asked(body) in known:
            return None
        where = "('body', 'response_format', 'LegacyStructuralTagResponseFormat', 'structures')"
        words = f"[{{'type': 'missing', 'loc': {where}, 'msg': 'Field required'}}]"
        return 400, {"object": "error", "message": words, "type": "BadRequestError", "code": 400}

    return refuses


def _openai(body: Mapping[str, Any]) -> Refusal | None:
    def refusal(words: str, parameter: str) -> Refusal:
        return 400, {"error": {"message": words, "type": "invalid_request_error", "param": parameter, "code": None}}

    known = {"model", "messages", "stream", "stream_options", "logprobs", "temperature", "top_p", "frequency_penalty", "tools"}
    known |= {"tool_choice", "max_tokens", "response_format", "presence_penalty", "seed"}
    for name in body:
        if name not in known:
            return refusal(f"Unrecognized request argument supplied: {name}", name)
    if asked(body) not in ("", "json_object", "json_schema", "strict_json_schema"):
        words = f"Invalid value: '{asked(body)}'. Supported values are: 'json_object', 'json_schema', and 'text'."
        return refusal(words, "response_format.type")
    return None


def _plain(body: Mapping[str, Any]) -> Refusal | None:
    if asked(body) in ("", "json_object", "guided_json"):
        return None
    return 400, {"error": {"message": "This response_format type is unavailable now", "type": "invalid_request_error"}}


def _in(*forms: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda body: asked(body) in forms


def _head(model: str, **more: Any) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "created": 1_700_000_000, "model": model, **more}


LLAMA = Imitation("llama-server", _head("m", system_fingerprint="b11434-c04a53d"), _llama, _in("grammar", "json_schema"))
OLLAMA = Imitation("ollama", _head("m", system_fingerprint="fp_ollama"), lambda _: None, _in("json_schema", "json_object"))
LMSTUDIO = Imitation("lmstudio", _head("m", system_fingerprint="m"), _lmstudio, _in("json_schema"))
SGLANG = Imitation("sglang", _head("m"), lambda _: None, _in("structural_tag", "ebnf", "json_schema"))
OLD_SGLANG = Imitation("old-sglang", _head("m"), _pydantic("json_schema", "json_object"), _in("json_schema", "json_object"))
OLD_VLLM = Imitation("old-vllm", _head("m"), _pydantic("json_schema", "json_object"), _in("json_schema", "guided_json"))
OPENAI = Imitation("openai", _head("m", system_fingerprint="fp_44709d6fcb"), _openai, _in("strict_json_schema"))
PLAIN = Imitation("plain", _head("m"), _plain, _in("json_object"), whole=True)
DEAF = Imitation("deaf", _head("m"), lambda _: None, lambda _: False)
