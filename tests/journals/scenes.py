"""What goes wrong in a turn, with the class and reason that it must be written down under: a labelled set.

The labels say what was done wrong here, by hand. The model server is the fake one, and says that a simulated model said so.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from adapters.models.gemma4 import GEMMA4
from adapters.registry import CLIENTS
from proxy.demo.speak import Said
from rules.base import Rule
from rules.conversation import Turn
from rules.registry import RULES
from tests.conftest import BASH, MODEL
from tests.fake_vllm import Answer, refusing, sending
from tests.laws.test_faults import FAULTS, call_for, gemma, message_of, request_of
from tests.proxy.client_requests import PATHS

GOOD = '<|tool_call>call:bash{command:<|"|>ls -la<|"|>}<tool_call|>'
NOTES = {
    "type": "function",
    "function": {
        "name": "note",
        "description": "Keep notes.",
        "parameters": {
            "type": "object",
            "properties": {
                "tags": {"type": "array", "items": {"type": "string"}},
                "level": {"type": "string", "enum": ["LOW", "HIGH"]},
                "done": {"type": "boolean"},
            },
            "required": ["tags"],
        },
    },
}


@dataclass(frozen=True)
class Scene:
    """One turn that is not right as it comes.

    name      what is wrong, and for whom
    kind      the class that it must be written down under, and `reason` the code; empty: any of the class
    answers   what the server says, in order; the last one again and again
    prefix    of the path
    patience  seconds after which the client is gone
    settings  what toolmend is started with
    breaks    what of toolmend itself fails (`BREAKS`); empty: nothing
    """

    name: str
    kind: str
    reason: str
    body: Mapping[str, Any]
    answers: tuple[Answer | str, ...]
    prefix: str = ""
    patience: float = 30.0
    settings: Mapping[str, Any] = field(default_factory=dict)
    breaks: str = ""


def asking(**more: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": "go"}], "tools": [BASH, NOTES], **more}


def error(status: int, message: str) -> Answer:
    return refusing(status, b'{"error": {"message": "' + message.replace('"', "'").encode() + b'"}}')


def served(name: str, arguments: str) -> dict[str, Any]:
    return {"id": "s1", "type": "function", "function": {"name": name, "arguments": arguments}}


CALLED = served("bash", '{"command": "ls -la"}')


def for_every_client() -> Iterator[Scene]:
    """Each fault of a model, for each client: mended by the model, and not mended at all."""
    for client in CLIENTS:
        if client.name == "passthrough":
            continue
        body = request_of(client)
        within = client.read(body)
        call = call_for(within)
        other = replace(call, arguments={name: "pwd" for name in dict(call.arguments)})  # type: ignore[arg-type]
        for title, fault in FAULTS.items():
            said = fault.says(call)
            asked = body
            if fault.runs:
                steps = [each for at in range(2) for each in message_of(client, within, replace(call, id=f"call_{at}"))]
                asked = {**body, "messages": [*body["messages"], *steps]}
            prefix = PATHS.get(client.name, "")
            yield Scene(f"{title}, {client.name}, stays so", fault.kind, "", asked, (said,), prefix)
            if fault.status == 200:
                yield Scene(f"{title}, {client.name}, put right", fault.kind, "", asked, (said, gemma(other)), prefix)
        native = client.rewrites or bool(client.express(Turn("assistant", calls=(call,)), within).calls)
        made = [served(call.name, json.dumps(call.arguments))] if native else []
        yield from _history(client.name, body, Said(GEMMA4.render((call,)), calls=made))


def _history(client: str, body: Mapping[str, Any], good: Said) -> Iterator[Scene]:
    lost = {"role": "tool", "tool_call_id": "nobody's", "content": "lost"}
    asked = {
        **body,
        "messages": [*body["messages"], {"role": "assistant", "content": "Hm."}, lost, {"role": "user", "content": "Go."}],
    }
    yield Scene(f"a result of no call, {client}", "client-history", "show_orphan_results", asked, (good,), PATHS.get(client, ""))


def by_rules() -> Iterator[Scene]:
    """What rules put right."""

    def scene(title: str, reason: str, text: str, kind: str = "model-arguments") -> Scene:
        return Scene(title, kind, reason, asking(), (text,))

    def note(arguments: str) -> str:
        return f"<|tool_call>call:note{{{arguments}}}<tool_call|>"

    yield scene(
        "digits for a number", "coerce_number", '<|tool_call>call:bash{command:<|"|>ls<|"|>,timeout:<|"|>5<|"|>}<tool_call|>'
    )
    yield scene("a word for a boolean", "coerce_boolean", note('tags:[<|"|>a<|"|>],done:<|"|>True<|"|>'))
    yield scene("a choice in small letters", "fit_enum", note('tags:[<|"|>a<|"|>],level:<|"|>high<|"|>'))
    yield scene("a list as text", "parse_stringified", note('tags:<|"|>["a", "b"]<|"|>'))
    yield scene("another case in a key", "match_keys", GOOD.replace("command:", "Command:"))
    yield scene("another case in a name", "match_tool_name", GOOD.replace("call:bash", "call:Bash"), "model-name")
    yield scene("the same call twice", "collapse_duplicates", GOOD * 3, "model-loop")
    yield scene("an argument nobody knows", "drop_unknown_arguments", GOOD.replace("command:", "zzz:1,timeout:5,command:"))
    yield scene("an argument that may be another", "unknown-arguments", GOOD.replace("command:", "zzz:1,command:"))


def of_engines() -> Iterator[Scene]:
    """What the server's own parsers and templates get wrong. `Said.calls` is what the fake server makes of the text."""

    def scene(title: str, reason: str, said: Answer, kind: str = "engine-parser", **more: Any) -> Scene:
        return Scene(title, kind, reason, asking(**more), (said,))

    def template(title: str, reason: str, words: str, kind: str = "engine-template") -> Scene:
        return Scene(title, kind, reason, asking(), (error(400, words), Said(GOOD, calls=[CALLED])))

    quotes = served("bash", '{"command": "\\"ls -la\\""}')
    yield scene("quotes in a value", "call-misparsed", Said(GOOD, calls=[quotes]))
    yield scene("a call that was not made out", "call-not-parsed", Said(GOOD))
    yield scene("another argument", "call-misparsed", Said(GOOD, calls=[served("bash", '{"command": "ls"}')]))
    yield template("users must alternate", "merge_users", "Conversation roles must alternate user/assistant/user/assistant/...")
    yield template("system first", "system_first", "System message must be at the beginning.")
    yield template("texts only", "plain_content", "can only concatenate str (not 'list') to str")
    parser = "'auto' tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set"
    yield template("no parser flags", "no-tool-parser", parser, "engine-parser")
    none = "As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat template"
    yield scene("no template", "no-chat-template", error(400, none), "engine-template")
    broken = "jinja2.exceptions.UndefinedError: 'dict object' has no attribute 'name'"
    yield scene("a template that fails", "template-failed", error(400, broken), "engine-template")


def of_clients() -> Iterator[Scene]:
    """What clients get wrong."""

    def scene(title: str, reason: str, body: Mapping[str, Any], said: Answer | str, kind: str = "client-schema") -> Scene:
        return Scene(title, kind, reason, body, (said,))

    words = "You have access to the following functions:\n\n---- BEGIN FUNCTION #1: bash ----\nParameters:\n what?\n---- END FUNCTION #1 ----"
    hands = {"model": MODEL, "messages": [{"role": "system", "content": words}, {"role": "user", "content": "go"}]}
    refused = "Invalid 'tools[0].function.parameters': the schema must be an object"
    yield scene("functions that nobody can read", "unreadable-functions", hands, "Done.")
    yield scene("a schema that is refused", "schema-refused", asking(), error(400, refused))
    long = "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens"
    yield scene("too long a history", "context-length", asking(), error(400, long), "client-history")
    alone = "An assistant message with 'tool_calls' must be followed by tool messages"
    yield scene("messages that are refused", "history-refused", asking(), error(400, alone), "client-history")
    past = {"id": "c1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls'}}
    steps = [
        {"role": "assistant", "content": None, "tool_calls": [past]},
        {"role": "tool", "tool_call_id": "c1", "content": "no"},
    ]
    cut = asking(messages=[{"role": "user", "content": "go"}, *steps])
    yield scene("past arguments that are cut", "show_unreadable_calls", cut, Said(GOOD, calls=[CALLED]), "client-history")
    dangling = {**past, "function": {"name": "bash", "arguments": '{"command": "ls"}'}}
    open_call = [{"role": "assistant", "content": None, "tool_calls": [dangling]}, {"role": "user", "content": "well?"}]
    waiting = asking(messages=[{"role": "user", "content": "go"}, *open_call])
    yield scene("a call without its result", "answer_dangling_calls", waiting, Said(GOOD, calls=[CALLED]), "client-history")


async def _silence(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b": nothing yet\n\n")
    while request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(0.02)
    return response


def of_servers() -> Iterator[Scene]:
    """What happens to servers and connections."""
    begun = b'data: {"id":"x","choices":[{"index":0,"delta":{"role":"assistant","content":"I go"}}]}\n\n'
    report = b'data: {"error": {"message": "EngineCore died", "type": "InternalServerError", "code": 500}}\n\n'
    end = b'data: {"id":"x","choices":[{"index":0,"delta":{"content":"Done."},"finish_reason":"stop"}]}\n\n'

    def scene(title: str, reason: str, said: Answer, **more: Any) -> Scene:
        return Scene(title, "upstream", reason, asking(), (said,), **more)

    yield scene("a wrong key", "upstream-key", error(401, "Unauthorized"))
    yield scene("a model that is not there", "no-such-model", error(404, "The model `gemma` does not exist."))
    yield scene("an error of its own", "upstream_refused", error(500, "Internal server error"))
    yield scene("broken off in mid-answer", "truncated", sending(begun))
    yield scene("reset in mid-answer", "upstream_broken", sending(begun, cut=True))
    yield scene("an error in mid-answer", "upstream_error_event", sending(begun, report))
    yield scene("no [DONE]", "missing-done", sending(end))
    cut = Scene(
        "an answer that a limit cuts", "truncated", "text-cut", asking(max_tokens=3), (Said("I go on and on", finish="length"),)
    )
    yield cut
    yield scene("no JSON", "upstream_broken", sending(b"data: <html>\n\n"))
    limits = {"limits": {"first_byte_seconds": 0.2, "idle_seconds": 0.2}}
    yield scene("silence", "upstream_timeout", _silence, settings=limits)
    yield scene("a client that is gone", "unfinished", _silence, patience=0.3)
    yield scene("a server that is down", "upstream_unreachable", error(500, ""), settings={"upstream": "http://127.0.0.1:9"})


def _breaks(*_: Any) -> Any:
    raise ZeroDivisionError


async def _no_process(*_: Any) -> Any:
    raise OSError("no process to be had")


BREAKS: Mapping[str, tuple[str, Any]] = {
    "rule": ("proxy.answer.RULES", (Rule("broken", "form", _breaks, (), ""), *RULES)),
    "reply": ("proxy.exchange.Exchange._expressed", _breaks),
    "checker": ("proxy.checker.Checker._started", _no_process),
}
"""What of toolmend fails in a scene, and what stands in its place."""


def of_toolmend() -> Iterator[Scene]:
    """What we get wrong."""
    called = Said(GOOD, calls=[CALLED])
    odd = {"type": "object", "properties": {"n": {"type": "integer", "anyOf": [{"minimum": 1}]}}, "required": ["n"]}
    tools = [{"type": "function", "function": {"name": "bash", "parameters": odd}}]
    unjudged = Said("<|tool_call>call:bash{n:3}<tool_call|>", calls=[served("bash", '{"n": 3}')])
    yield Scene("a rule that fails", "ours", "rule-failed", asking(), (called,), breaks="rule")
    yield Scene("an exception", "ours", "unhandled", asking(), (called,), breaks="reply")
    yield Scene("a check that cannot be made", "ours", "check-skipped", asking(tools=tools), (unjudged,), breaks="checker")


def every_scene() -> list[Scene]:
    """Return all scenes."""
    parts: tuple[Callable[[], Iterator[Scene]], ...] = (
        for_every_client,
        by_rules,
        of_engines,
        of_clients,
        of_servers,
        of_toolmend,
    )
    return [scene for part in parts for scene in part()]
