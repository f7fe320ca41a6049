"""A SIMULATION of a model server with one thing wrong with it, or nothing. It is vLLM's shape, and knows nothing of the doctor.

The model writes a text; the server's parsers take calls and thoughts out of it, or do not, as it was "started".
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from adapters.base import Call
from adapters.clients.openhands_text import write
from adapters.decoding import decode
from adapters.grammar import grammar
from adapters.messages import text_of
from adapters.registry import DIALECTS
from proxy.demo.speak import logprob, tokens
from rules.conversation import ToolCall, ToolSpec
from tests.proxy.doctor.competent import next_call

Model = Callable[[Mapping[str, Any], str], str]
"""What is asked, and the dialect that the model writes -> what it writes."""

NO_PARSER = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
NO_TEMPLATE = (
    "As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat template if the tokenizer"
    " does not define one."
)


def competent(body: Mapping[str, Any], dialect: str) -> str:
    """Write the call in the model's own format, or in the framework's where that is asked for."""
    call = next_call(body)
    if call is None:
        return "ready"
    as_openhands = "---- BEGIN FUNCTION #1" in json.dumps(body["messages"])
    return f"I make the next call.\n\n{write(call) if as_openhands else DIALECTS[dialect].render((call,))}"


def forgetful(body: Mapping[str, Any], dialect: str) -> str:
    """Forget `security_risk` where the functions stand in the prompt, as the example there does."""
    call = next_call(body)
    if call is None or body.get("tools"):
        return competent(body, dialect)
    assert not isinstance(call.arguments, str)
    return write(ToolCall("", call.name, {key: value for key, value in call.arguments.items() if key != "security_risk"}))


def talker(body: Mapping[str, Any], dialect: str) -> str:
    """Talk, and never call."""
    return "I would be happy to help. First of all, let us think about what you need."


@dataclass
class Server:
    """How it was started.

    parser     the dialect that its tool parser reads; None: it has none
    thinks     what the model thinks before each answer, and the server's reasoning parser takes out
    quiet      it does not think where the request switches that off
    swallows   the reasoning parser takes all for a thought
    hides      what the chat template leaves out: "tool", "arguments", "result"
    eats       its tool parser takes calls out of answers to requests without tools, and drops them
    cuts_told  an answer that a limit cut is told as one
    refuses    status and words for every chat request
    logs       it sends log-probabilities
    hangs_from the number of chat requests after which it gives no more answers, and tells so by `hung`
    """

    model: Model = competent
    dialect: str = "gemma4"
    parser: str | None = "gemma4"
    thinks: str = ""
    quiet: bool = False
    swallows: bool = False
    hides: frozenset[str] = frozenset()
    eats: bool = False
    cuts_told: bool = True
    refuses: tuple[int, Any] | None = None
    key: str = ""
    logs: bool = True
    models: tuple[str, ...] = ("gemma-4-simulated",)
    hangs: bool = False
    breaks: bool = False
    hangs_from: int = 1_000_000
    hung: threading.Event = field(default_factory=threading.Event)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def app(self) -> web.Application:
        """Build the server."""
        app = web.Application(middlewares=[self._guard()])
        app.router.add_get("/version", self._version)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/tokenize", self._tokenize)
        app.router.add_post("/detokenize", self._detokenize)
        return app

    def _guard(self) -> Any:
        @web.middleware
        async def guard(request: web.Request, handler: Any) -> web.StreamResponse:
            if self.key and request.path.startswith("/v1") and request.headers.get("Authorization") != f"Bearer {self.key}":
                return web.json_response({"error": "Unauthorized"}, status=401)
            response: web.StreamResponse = await handler(request)
            return response

        return guard

    async def _version(self, request: web.Request) -> web.Response:
        return web.json_response({"version": "0.32.0"})

    async def _models(self, request: web.Request) -> web.Response:
        data = [{"id": name, "object": "model", "owned_by": "vllm", "root": name, "max_model_len": 32768} for name in self.models]
        return web.json_response({"object": "list", "data": data})

    async def _tokenize(self, request: web.Request) -> web.Response:
        prompt = self._prompt(await request.json())
        return web.json_response({"count": len(prompt), "max_model_len": 32768, "tokens": [ord(each) for each in prompt]})

    async def _detokenize(self, request: web.Request) -> web.Response:
        return web.json_response({"prompt": "".join(chr(each) for each in (await request.json())["tokens"])})

    def _prompt(self, body: Mapping[str, Any]) -> str:
        """Write the conversation as the chat template does."""
        parts = [] if "tool" in self.hides else [json.dumps(body.get("tools") or [])]
        for message in body["messages"]:
            if message["role"] == "tool" and "result" in self.hides:
                continue
            parts.append(f"<{message['role']}>{text_of(message.get('content'))}")
            calls = message.get("tool_calls") or []
            parts += [
                each["function"]["name"] + ("" if "arguments" in self.hides else each["function"]["arguments"]) for each in calls
            ]
        return "\n".join([*parts, "<assistant>"])

    # -- answering

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        if self.hangs or len(self.asked) > self.hangs_from:
            self.hung.set()
            await asyncio.sleep(3600)
        refusal = self._refusal(body)
        if refusal is not None:
            words = {"error": {"message": refusal[1], "type": "BadRequestError", "code": refusal[0]}}
            return web.json_response(words if isinstance(refusal[1], str) else refusal[1], status=refusal[0])
        made = self._made(body)
        if not body.get("stream"):
            if self.breaks and request.transport is not None:
                request.transport.close()
            return web.json_response(_whole(made, body))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for event in _events(made, body):
            await response.write(b"data: " + json.dumps(event).encode() + b"\n\n")
            if self.breaks and request.transport is not None:
                request.transport.close()
                return response
        await response.write(b"data: [DONE]\n\n")
        return response

    def _refusal(self, body: Mapping[str, Any]) -> tuple[int, Any] | None:
        if self.refuses is not None:
            return self.refuses
        if body.get("model") not in self.models:
            return 404, f"The model `{body.get('model')}` does not exist."
        return (400, NO_PARSER) if body.get("tools") and self.parser is None and body.get("tool_choice") != "none" else None

    def _made(self, body: Mapping[str, Any]) -> Made:
        written, thought = self._written(body), self._thought(body)
        stop = next((each for each in body.get("stop") or [] if each in written), None)
        written = written.partition(stop)[0] if stop else written
        pieces = tokens(f"<think>{thought}</think>{written}" if thought else written)
        limit = body.get("max_tokens") or 4096
        cut = len(pieces) > limit
        raw = "".join(pieces[:limit])
        inside, _, said = raw.removeprefix("<think>").partition("</think>") if thought else ("", "", raw)
        calls = self._calls(said, body)
        reasoning = said if self.swallows else inside
        shown = said.partition("<function=")[0] if self.eats and not body.get("tools") else said
        shown = said.partition(DIALECTS[self.parser or "gemma4"].forms(())[0].opener)[0] if calls else shown
        content = "" if self.swallows else shown
        finish = "length" if cut and (self.cuts_told or not calls) else "tool_calls" if calls else "stop"
        return Made(
            raw if self.logs else "",
            content.strip(),
            reasoning,
            calls,
            finish,
            min(len(pieces), limit),
            len(self._prompt(body)) // 4,
        )

    def _thought(self, body: Mapping[str, Any]) -> str:
        off = (body.get("chat_template_kwargs") or {}).get("enable_thinking") is False
        return "" if _forced(body) or (self.quiet and off) else self.thinks

    def _written(self, body: Mapping[str, Any]) -> str:
        """Return what the model writes: what it is held to, else what it likes."""
        forced = _forced(body)
        if forced:
            return forced
        choice = body.get("tool_choice")
        if isinstance(choice, dict):
            return DIALECTS[self.dialect].render((ToolCall("", choice["function"]["name"], {"word": "yes"}),))
        hidden = {"tools"} if "tool" in self.hides else set()
        return self.model({name: value for name, value in body.items() if name not in hidden}, self.dialect)

    def _calls(self, said: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Take calls out of a text, as the tool parser that runs here does."""
        if self.parser is None or not body.get("tools") or body.get("tool_choice") == "none":
            return []
        tools = tuple(ToolSpec(each["function"]["name"], "", each["function"]["parameters"]) for each in body["tools"])
        events = decode(said, grammar([DIALECTS[self.parser]], tools))
        made = [event.call for event in events if isinstance(event, Call)]
        return [
            {
                "id": f"call_{len(self.asked)}_{place}",
                "type": "function",
                "function": {
                    "name": call.name,
                    "arguments": call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments),
                },
            }
            for place, call in enumerate(made)
        ]


def _forced(body: Mapping[str, Any]) -> str:
    """Return the text that a structure admits alone."""
    tag = (body.get("structured_outputs") or {}).get("structural_tag")
    if tag:
        return str(json.loads(tag)["format"]["value"])
    return '{"ok": true}' if '"ok"' in json.dumps(body.get("response_format") or {}) else ""


@dataclass(frozen=True)
class Made:
    """An answer: what the model wrote (empty: not told), and what the server makes of it."""

    raw: str
    content: str
    reasoning: str
    calls: list[dict[str, Any]]
    finish: str
    completion: int
    prompt: int

    @property
    def usage(self) -> dict[str, int]:
        return {"prompt_tokens": self.prompt, "completion_tokens": self.completion, "total_tokens": self.prompt + self.completion}


def _head(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "created": 1, "model": body["model"], "system_fingerprint": "vllm-0.32.0"}


def _logprobs(text: str, body: Mapping[str, Any]) -> Any:
    return {"content": [logprob(each)["content"][0] for each in tokens(text)]} if text and body.get("logprobs") else None


def _whole(made: Made, body: Mapping[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": made.content or None, "reasoning": made.reasoning or None}
    if made.calls:
        message["tool_calls"] = made.calls
    choice = {"index": 0, "message": message, "finish_reason": made.finish, "logprobs": _logprobs(made.raw, body)}
    return {**_head(body), "object": "chat.completion", "choices": [choice], "usage": made.usage}


def _events(made: Made, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    head = {**_head(body), "object": "chat.completion.chunk"}

    def event(delta: Mapping[str, Any], finish: str | None = None, logprobs: Any = None) -> dict[str, Any]:
        return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": logprobs}]}

    yield event({"role": "assistant", "content": ""})
    said = {"reasoning": made.reasoning} | ({"content": made.content} if made.content else {})
    yield event({name: text for name, text in said.items() if text}, logprobs=_logprobs(made.raw, body))
    for index, call in enumerate(made.calls):
        yield event({"tool_calls": [{"index": index, **call, "function": {"name": call["function"]["name"]}}]})
        yield event({"tool_calls": [{"index": index, "function": {"arguments": call["function"]["arguments"]}}]})
    yield event({}, made.finish)
    yield {**head, "choices": [], "usage": made.usage}
