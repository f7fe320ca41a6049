"""Servers that are not vLLM, as imitations: a call that lacks an argument comes right at the rung that each of them bears.

The second time a server is asked in that way at once. What it costs stands beside it, as the requests that it gets.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Proxy
from tests.fake_servers import (
    DEAF,
    LLAMA,
    LMSTUDIO,
    OLD_SGLANG,
    OLD_VLLM,
    OLLAMA,
    OPENAI,
    PLAIN,
    SGLANG,
    Imitation,
    asked,
)

EDIT: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "edit",
        "parameters": {
            "type": "object",
            "properties": {"path": {"type": "string"}, "mode": {"type": "string", "enum": ["append", "replace"]}},
            "required": ["path", "mode"],
            "additionalProperties": False,
        },
    },
}
RIGHT = ("edit", {"path": "/a", "mode": "append"})

LADDERS: list[tuple[Imitation, list[str], list[str]]] = [
    # server, forms of its requests the first time, and the second time; the first request of llama-server is refused for logprobs
    (LLAMA, ["", "", "grammar"], ["", "grammar"]),
    (OLLAMA, ["", "json_schema"], ["", "json_schema"]),
    (LMSTUDIO, ["", "json_schema"], ["", "json_schema"]),
    (SGLANG, ["", "structural_tag"], ["", "structural_tag"]),
    (OLD_SGLANG, ["", "structural_tag", "json_schema"], ["", "json_schema"]),
    (OLD_VLLM, ["", "structural_tag", "json_schema"], ["", "json_schema"]),
    (OPENAI, ["", "strict_json_schema"], ["", "strict_json_schema"]),
    (PLAIN, ["", "structural_tag", "json_schema", "json_object"], ["", "json_object"]),
]


@pytest.mark.parametrize(("server", "first", "second"), LADDERS, ids=[each[0].name for each in LADDERS])
async def test_each_server_is_asked_at_the_rung_it_bears(
    server: Imitation, first: list[str], second: list[str], proxy: Proxy
) -> None:
    proxy.vllm.says(server.says(("edit", {"path": "/a"}), '{"mode": "append"}'))
    for _ in range(2):
        seen = await proxy.ask(tools=[EDIT], model="some-model")
        assert (seen.calls, seen.finish) == ([RIGHT], "tool_calls")
    assert [asked(each) for each in proxy.vllm.requests] == first + second


async def test_ollama_is_told_not_to_think_in_its_own_words(proxy: Proxy) -> None:
    proxy.vllm.says(OLLAMA.says(("edit", {"path": "/a"}), '{"mode": "append"}'))
    await proxy.ask(tools=[EDIT], model="some-model")
    assert proxy.vllm.requests[1]["reasoning_effort"] == "none"
    assert "chat_template_kwargs" not in proxy.vllm.requests[1]


async def test_llama_server_is_told_that_no_call_is_wanted_beside_a_grammar(proxy: Proxy) -> None:
    proxy.vllm.says(LLAMA.says(("edit", {"path": "/a"}), '{"mode": "append"}'))
    await proxy.ask(tools=[EDIT], model="some-model")
    body = proxy.vllm.requests[2]
    assert (body["tool_choice"], body["tools"]) == ("none", [EDIT])
    assert body["chat_template_kwargs"] == {"enable_thinking": False, "thinking": False}


async def test_what_openai_does_not_know_is_left_out(proxy: Proxy) -> None:
    proxy.vllm.says(OPENAI.says(("edit", {"path": "/a"}), '{"mode": "append"}'))
    seen = await proxy.ask(tools=[EDIT], model="gemma-4-26b")  # its profile adds members to requests
    assert seen.calls == [RIGHT]
    assert "chat_template_kwargs" not in proxy.vllm.requests[-1]


async def test_a_schema_that_strict_mode_refuses_is_asked_for_without_it(proxy: Proxy) -> None:
    tool = {"type": "function", "function": {"name": "edit", "parameters": {"type": "object", "required": ["options"]}}}
    tool["function"]["parameters"] |= {"properties": {"options": {"type": "object", "additionalProperties": {"type": "string"}}}}
    proxy.vllm.says(OPENAI.says(("edit", {}), '{"options": {"a": "b"}}'))
    await proxy.ask(tools=[tool], model="some-model")
    assert asked(proxy.vllm.requests[1]) == "json_schema"


async def test_a_server_that_bears_nothing_is_asked_in_words_in_the_end(proxy: Proxy) -> None:
    proxy.vllm.says(DEAF.says(("edit", {"path": "/a"}), ""))
    for _ in range(4):
        seen = await proxy.ask(tools=[EDIT], model="some-model")
        assert seen.headers["x-toolmend-outcome"] == "failed-open"
    forms = [asked(each) for each in proxy.vllm.requests]
    assert [forms.count(each) for each in ("structural_tag", "json_schema", "json_object")] == [1, 1, 1]
    assert forms[-2:] == ["", ""]
