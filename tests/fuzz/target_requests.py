"""The reader of requests: any bytes give a plan or a refusal, and what goes upstream is JSON whose other members are the client's."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

from adapters.registry import PREFIXES
from proxy.body import read_body
from proxy.errors import BadRequest
from proxy.plan import Plan, make_plan
from proxy.profiles import load
from proxy.question import TOOL_MEMBERS, Question, upstream_body
from proxy.settings import Limits, Settings

SETTINGS: Final = Settings(upstream="http://x")
LIMITS: Final = Limits()
PROFILES: Final = load(())
PATHS: Final = ("", *PREFIXES)
MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])

SET: Final = frozenset({"messages", "tools", "stream", "stream_options", "logprobs"})
"""Members that are ours to set in every request."""

DROPPED: Final = frozenset({"include_reasoning"})
AGAIN: Final = Question(more=({"role": "user", "content": "Call it again."},), sampling={"temperature": 0.2, "max_tokens": 9})


def run(data: bytes) -> None:
    """The first byte says on which path the request came, and in which mode."""
    path, raw = (data[:1] or b"\0")[0], data[1:]
    mode = ("", "observe", "off", "odd")[path // 64]
    try:
        body = read_body(raw, LIMITS)
        plan = make_plan(body, SETTINGS, PROFILES, prefix=PATHS[path % 64 % len(PATHS)], mode=mode)
    except BadRequest as refused:
        msgspec.json.decode(refused.body())
        return
    assert (plan.limit or 1) > 0
    assert all(plan.stops)
    if plan.unreadable or not plan.mends:
        return
    plan.grammar()
    for each in (plan, plan.in_text()):
        for question in (Question(), AGAIN):
            passes(raw, upstream_body(each, frozenset(), question), each, question)


def passes(raw: bytes, sent: bytes, plan: Plan, question: Question) -> None:
    """What nobody sets and nobody drops is upstream as it came, byte for byte; nothing else is there."""
    theirs, ours = MEMBERS.decode(raw), MEMBERS.decode(sent)
    json.loads(sent)
    sets = SET | plan.profile.request.keys() | question.sampling.keys()
    drops = DROPPED | plan.client.drops | (TOOL_MEMBERS if plan.dialect else frozenset())
    drops |= {"max_completion_tokens"} if "max_tokens" in sets else frozenset()
    kept = {name: bytes(each) for name, each in theirs.items() if name not in sets | drops}
    assert {name: bytes(each) for name, each in ours.items() if name not in sets} == kept
    assert bytes(ours["stream"]) == b"true"


def _tool(name: str, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)[:1]}
    return {"type": "function", "function": {"name": name, "description": "Does it.", "parameters": schema}}


TOOLS: Final = [_tool("bash", command={"type": "string"}, timeout={"type": "integer"}), _tool("submit")]
CALL: Final = {"id": "c1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}
TALK: Final[list[dict[str, Any]]] = [
    {"role": "system", "content": "You help."},
    {"role": "user", "content": [{"type": "text", "text": "Fix it."}]},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "a b"},
    {"role": "user", "content": "go on"},
]
BODIES: Final[tuple[dict[str, Any], ...]] = (
    {"model": "gemma-4-26b", "messages": TALK, "tools": TOOLS, "stream": True, "stop": ["END"], "max_completion_tokens": 100},
    {"model": "Qwen/Qwen3-8B", "messages": TALK, "tools": TOOLS, "tool_choice": "required", "n": 1, "seed": 7},
    {"model": "deepseek-r1", "messages": TALK, "tools": TOOLS, "chat_template_kwargs": {"enable_thinking": False}},
    {
        "model": "mistral",
        "messages": [*TALK, *TALK[2:]],
        "tools": TOOLS,
        "response_format": {"type": "text"},
        "include_reasoning": True,
    },
    {"model": "x", "messages": TALK[:2], "logprobs": True, "vllm_xargs": {"big": 2**70, "f": 1.10}},
    {"model": "gpt-oss", "messages": [*TALK[:2], {"role": "assistant", "content": "<think>x</think>"}], "tools": TOOLS},
)
SEEDS = tuple(bytes((at,)) + json.dumps(body).encode() for body in BODIES for at in (0, len(PATHS) - 1))
WORDS = (
    *(
        f'"{word}"'.encode()
        for word in (
            "messages",
            "tools",
            "role",
            "content",
            "tool_calls",
            "function",
            "arguments",
            "parameters",
            "properties",
            "stream",
        )
    ),
    b"null",
    b"true",
    b'{"role":"user"}',
    b"[]",
    b"{}",
    b"\\ud800",
    b"1e999",
    b'"tool_choice":"none"',
    b"[[[[[[[[",
)
