"""Requests that the real clients sent, where a folder of them is at hand: recognised, understood, and kept to the byte."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from adapters.clients.openhands_text import OPENHANDS_TEXT
from adapters.messages import merge_users
from proxy.body import read_body
from proxy.plan import Plan, make_plan
from proxy.profiles import load
from proxy.question import Question, upstream_body
from proxy.settings import Limits, Settings

CAPTURES = os.environ.get("TOOLMEND_CAPTURES", "")
pytestmark = pytest.mark.skipif(not CAPTURES, reason="needs TOOLMEND_CAPTURES, a folder with recorded requests")

EXPECTED: tuple[tuple[str, str, str, str], ...] = (
    # files, path, client, tools
    ("openhands-0.59-text-*", "", "openhands_text", "execute_bash think finish task_tracker str_replace_editor"),
    ("openhands-v1-text-*", "", "openhands_text", "terminal file_editor task_tracker finish think"),
    ("openhands-v1-condenser-*", "", "passthrough", ""),
    ("openhands-0.59-native-*", "", "openai_chat", "execute_bash think finish task_tracker str_replace_editor"),
    ("swe-agent-1.1-function-calling-*", "", "swe_agent_function_calling", "bash str_replace_editor submit"),
    ("swe-agent-1.1-thought-action-*", "", "swe_agent_thought_action", "bash submit"),
    ("swe-agent-1.1-xml-thought-action-*", "", "swe_agent_xml_thought_action", "bash submit"),
    ("swe-agent-1.1-backticks-*", "/swe-agent/backticks", "swe_agent_thought_action", "bash str_replace_editor submit"),
    (
        "swe-agent-1.1-xml-function-*",
        "/swe-agent/xml_function_calling",
        "swe_agent_xml_function_calling",
        "bash str_replace_editor submit",
    ),
    ("mini-swe-agent-2.4-tool-*", "", "mini_swe_agent_tools", "bash"),
    ("mini-swe-agent-2.4-backticks-*", "", "mini_swe_agent_fence", "bash"),
    ("mini-swe-agent-2.4-xml-*", "", "mini_swe_agent_tag", "bash"),
    ("evalscope-1.14-toolcall-*", "", "evalscope_toolcall", "bash"),
    ("evalscope-1.14-backticks-*", "", "evalscope_backticks", "bash"),
)
INSTRUCTED = ("/swe-agent/backticks", "/swe-agent/xml_function_calling")


def plan_of(body: dict[str, Any], prefix: str) -> Plan:
    return make_plan(read_body(json.dumps(body).encode(), Limits()), Settings(upstream="http://x"), load(), prefix=prefix)


@pytest.mark.parametrize(("files", "prefix", "client", "tools"), EXPECTED, ids=lambda each: each)
def test_recorded_requests_are_understood(files: str, prefix: str, client: str, tools: str) -> None:
    found = sorted(Path(CAPTURES).glob(f"{files}.json"))
    assert found
    for file in found:
        plan = plan_of(json.loads(file.read_text("utf-8"))["body"], prefix)
        turns = plan.conversation.turns
        assert (plan.client.name, [tool.name for tool in plan.conversation.tools]) == (client, tools.split()), file.name
        assert all(turn.answers for turn in turns if turn.role == "tool")
        if plan.client is OPENHANDS_TEXT:
            assert all(tool.parameters["properties"] for tool in plan.conversation.tools)
            assert not any(one.role == other.role == "user" for one, other in pairwise(turns))
            continue
        sent = json.loads(upstream_body(plan, frozenset(), Question())).get("messages")
        own = merge_users(plan.history.messages) if plan.profile.merge_users else plan.history.messages
        instructed = prefix in INSTRUCTED or client == "evalscope_backticks"
        assert sent[instructed:] == own[instructed:]
        assert (sent[0] != own[0]) == instructed


def test_v1s_descriptions_say_what_its_tools_say() -> None:
    texts, natives = (
        {
            tool.name: tool.parameters
            for tool in plan_of(json.loads((Path(CAPTURES) / name).read_text("utf-8"))["body"], "").conversation.tools
        }
        for name in ("openhands-v1-text-turn1.json", "openhands-v1-native-turn1.json")
    )
    for name, schema in natives.items():
        described: Any = texts[name]
        declared: Any = schema
        assert described["required"] == declared.get("required", [])
        for key, value in declared["properties"].items():
            assert described["properties"][key].get("type") == value.get("type"), (name, key)
            assert described["properties"][key].get("enum") == value.get("enum"), (name, key)
