"""A session whose history needs healing: on a real vLLM each turn finds the whole of the one before in the prefix cache."""

from __future__ import annotations

import json
import os
import re
import secrets
from typing import Any

import pytest
from cases import KINDS, Kind
from wire import ask, get, post

pytestmark = [
    pytest.mark.e2e_vllm,
    pytest.mark.skipif(os.environ.get("TOOLMEND_E2E_VLLM") != "1", reason="needs TOOLMEND_E2E_VLLM=1"),
    pytest.mark.skipif(os.environ.get("TOOLMEND_E2E_DIRECT") == "1", reason="vLLM alone was asked for"),
]

wanted = os.environ.get("TOOLMEND_E2E_KINDS", "qwen,gemma4").split(",")
BASH = {
    "type": "function",
    "function": {
        "name": "bash",
        "description": "Run a command.",
        "parameters": {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]},
    },
}
OPENING = 24
"""Most tokens that a template puts behind a conversation for the answer to begin, or behind a text that grows later."""

NOTED = json.dumps({"_openhands_malformed_tool_call": True, "error": "Cut off."})
NOTICE = {"role": "user", "content": "Missing required parameters for function 'bash': {'command'}"}
LONG = "The quick brown fox jumps over the lazy dog, and the dog looks on. " * 12


def asks(*calls: tuple[str, Any], content: Any = None) -> dict[str, Any]:
    """Write an assistant's message with calls of bash: ids and arguments."""
    written = [{"id": each, "type": "function", "function": {"name": "bash", "arguments": text}} for each, text in calls]
    return {"role": "assistant", "content": content, "tool_calls": written}


def result(call_id: str, *, marked: bool = False) -> dict[str, Any]:
    """Write a long result; `marked` as SWE-agent writes its newest one."""
    mark = {"cache_control": {"type": "ephemeral"}} if marked else {}
    return {"role": "tool", "tool_call_id": call_id, "content": [{"type": "text", "text": LONG, **mark}]}


GOOD = '{"command": "ls"}'
LATER: tuple[list[dict[str, Any]], ...] = (
    # what a session gains from turn to turn
    [asks(("c1", GOOD)), result("c1", marked=True)],
    [asks(("c1", GOOD)), result("c1", marked=True)],
    [asks(("", '{"command": "cut')), result("")],
    [asks(("c3", "{'command': 'ls'}"), ("c4", GOOD)), result("c4")],
    [NOTICE],
    [NOTICE] * 40,
    [{"role": "assistant", "content": ""}, NOTICE, {"role": "user", "content": LONG}],
    [{"role": "assistant", "content": f"<think>\n{LONG}\n</think>\n\nDone."}, {"role": "user", "content": LONG}],
    [asks(("c5", NOTED), content=[]), result("c5")],
    [{"role": "user", "content": [{"type": "text", "text": "Go on."}]}, result("c9")],
)


def turns(session: str) -> list[list[dict[str, Any]]]:
    """Return the messages of each request of a session. What SWE-agent marked in one turn is bare in the next."""
    history: list[dict[str, Any]] = [{"role": "system", "content": session}, {"role": "user", "content": LONG}]
    asked = [history]
    for more in LATER:
        history = [*json.loads(json.dumps(history).replace(', "cache_control": {"type": "ephemeral"}', "")), *more]
        asked.append(history)
    return asked


def counted(vllm: str) -> tuple[int, int]:
    """Return the tokens of prompts that vLLM looked for in its prefix cache so far, and those that it found."""
    text = get(f"{vllm.removesuffix('/v1')}/metrics")
    names = ("vllm:prefix_cache_queries_total", "vllm:prefix_cache_hits_total")
    queries, hits = (sum(map(float, re.findall(rf"^{name}{{.*}} (\S+)$", text, re.MULTILINE))) for name in names)
    return int(queries), int(hits)


def block_size(vllm: str) -> int:
    return int(re.findall(r'block_size="(\d+)"', get(f"{vllm.removesuffix('/v1')}/metrics"))[0])


@pytest.mark.parametrize("kind", [KINDS[name] for name in wanted if name in ("qwen", "gemma4")], ids=lambda kind: kind.name)
@pytest.mark.parametrize("way", ["whole", "stream"])
def test_each_turn_finds_the_one_before_in_the_cache(kind: Kind, vllm: str, toolmend: str, way: str) -> None:
    block, before = block_size(vllm), 0
    for messages in turns(f"You help. Session {secrets.token_hex(8)}."):
        body = {"model": "tiny", "messages": messages, "tools": [BASH], "temperature": 0, "vllm_xargs": {"say": "Done."}}
        queries, hits = counted(vllm)
        answer = ask(toolmend, body, stream=way == "stream")
        assert (answer.status, answer.content) == (200, "Done."), answer
        asked, found = (now - then for now, then in zip(counted(vllm), (queries, hits), strict=True))
        assert asked == (answer.usage or {})["prompt_tokens"], "one question, and all of it looked for"
        assert found >= (before - OPENING) // block * block, messages[-1]
        before = asked
    assert before > 10 * block


@pytest.mark.parametrize("kind", [KINDS[name] for name in wanted if name in ("qwen", "gemma4")], ids=lambda kind: kind.name)
def test_marks_for_a_cache_and_forms_of_content_are_all_the_same_to_the_prompt(kind: Kind, vllm: str) -> None:
    """What is not healed because it needs nothing: vLLM's own tokens say so."""
    base = [
        {"role": "user", "content": "a"},
        asks(("c1", GOOD), content=None),
        {"role": "tool", "tool_call_id": "c1", "content": "b"},
    ]
    part = {"type": "text", "text": "a"}
    missing = {name: value for name, value in base[1].items() if name != "content"}
    others = [
        [{"role": "user", "content": [part]}, *base[1:]],
        [{"role": "user", "content": [{**part, "cache_control": {"type": "ephemeral"}}]}, *base[1:]],
        [base[0], {**base[1], "content": []}, base[2]],
        [base[0], {**base[1], "content": ""}, base[2]],
        [base[0], missing, base[2]],
        [*base[:2], {**base[2], "cache_control": {"type": "ephemeral"}, "content": [{**part, "text": "b", "cache_control": {}}]}],
    ]
    url = f"{vllm.removesuffix('/v1')}/tokenize"
    tokens = [
        json.loads(post(url, {"model": "tiny", "messages": each, "tools": [BASH]})[2])["tokens"] for each in (base, *others)
    ]
    assert all(each == tokens[0] for each in tokens)
