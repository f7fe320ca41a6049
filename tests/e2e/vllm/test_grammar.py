"""A random model that is asked for what is missing: under vLLM's grammar the call comes out right, whatever the weights say.

The first answer is scripted and lacks a property, or has a wrong value for it. The second is not: the model is left to its random
weights and to the grammar that toolmend asked vLLM for.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from cases import KINDS, Kind, coded
from jsonschema import Draft202012Validator
from wire import ask

from tests.e2e.members import MEMBERS, TEXT

pytestmark = [
    pytest.mark.e2e_vllm,
    pytest.mark.skipif(os.environ.get("TOOLMEND_E2E_VLLM") != "1", reason="needs TOOLMEND_E2E_VLLM=1"),
    pytest.mark.skipif(os.environ.get("TOOLMEND_E2E_DIRECT") == "1", reason="vLLM alone was asked for"),
]

wanted = os.environ.get("TOOLMEND_E2E_KINDS", ",".join(KINDS)).split(",")


def tool(member: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"text": {"type": "string"}, "member": member}, "required": ["text", "member"]}
    return {"type": "function", "function": {"name": "write", "parameters": schema | {"additionalProperties": False}}}


@pytest.mark.parametrize("way", ["whole", "stream"])
@pytest.mark.parametrize("fault", ["missing", "wrong"])
@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("kind", [KINDS[each] for each in wanted], ids=lambda kind: kind.name)
def test_what_is_missing_comes_right_under_the_grammar(kind: Kind, name: str, fault: str, way: str, toolmend: str) -> None:
    member, wrong = MEMBERS[name]
    written = kind.write("write", {"text": TEXT} | ({"member": wrong} if fault == "wrong" else {}))
    body: dict[str, Any] = {
        "model": "tiny",
        "messages": [{"role": "user", "content": f"Go on with {name}, {fault}, {way}. [[say@1:{coded(written)}]]"}],
        "tools": [tool(member)],
        "max_tokens": 1500,
    }
    if kind.dialect != "gemma4":
        body["chat_template_kwargs"] = {"enable_thinking": False}
    answer = ask(toolmend, body, stream=way == "stream")
    assert (answer.status, answer.finish, len(answer.calls)) == (200, "tool_calls", 1), answer
    called, arguments = answer.calls[0]
    made = json.loads(arguments)
    assert called == "write"
    assert made["text"] == TEXT
    assert Draft202012Validator(tool(member)["function"]["parameters"]).is_valid(made), made
    assert answer.usage is not None
    if way == "whole":
        assert answer.headers["x-toolmend-attempts"] == "2"
