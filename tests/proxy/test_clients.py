"""Every client through the proxy: chosen by path or body, its messages kept."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from adapters.registry import CLIENTS, PREFIXES
from proxy.question import Question, parses, upstream_body
from proxy.settings import ProfileTable
from tests.adapters.clients.prompts import REQUESTS
from tests.conftest import MODEL, Start
from tests.fake_vllm import FakeVllm
from tests.proxy.client_requests import PATHS, PLAIN, ask, plan_of, sent

# -- choosing


@pytest.mark.parametrize(
    ("prefix", "client"),
    [
        ("/swe-agent/thought_action", "swe_agent_thought_action"),
        ("/swe-agent/backticks", "swe_agent_thought_action"),
        ("/swe-agent/xml_thought_action", "swe_agent_xml_thought_action"),
        ("/swe-agent/xml_function_calling", "swe_agent_xml_function_calling"),
        ("/swe-agent/action", "swe_agent_action"),
        ("/swe-agent/json", "swe_agent_json"),
        ("/evalscope/backticks", "evalscope_backticks"),
        ("/swe-agent", "passthrough"),
        ("/swe-agent/function_calling", "passthrough"),
        ("/mini-swe-agent", "passthrough"),
        ("/evalscope", "passthrough"),
        ("/cline", "passthrough"),
        ("/openhands", "passthrough"),
        ("", "passthrough"),
    ],
)
def test_a_path_says_what_nothing_shows(prefix: str, client: str) -> None:
    assert plan_of(PLAIN, prefix).client.name == client


@pytest.mark.parametrize("prefix", PREFIXES)
def test_tools_are_answered_with_calls_whatever_the_path(prefix: str) -> None:
    assert not plan_of(REQUESTS["swe_agent_function_calling"](), prefix).prompted
    assert not plan_of(REQUESTS["mini_swe_agent_tools"](), prefix).prompted


@pytest.mark.parametrize("name", [name for name in REQUESTS if name.startswith("swe_agent_")])
def test_swe_agents_path_finds_each_mode_that_shows_itself(name: str) -> None:
    expected = "passthrough" if name == "swe_agent_action" else name
    assert plan_of(REQUESTS[name](), "/swe-agent").client.name == expected


async def test_an_unknown_path_is_told_the_known_ones(vllm: FakeVllm, start: Start) -> None:
    url = await start(upstream=vllm.url)
    for prefix in ("/nobody", "/swe-agent/nothing"):
        status, error = await ask(url, PLAIN, prefix)
        assert status == 404
        assert all(known in error["message"] for known in PREFIXES)
    async with aiohttp.ClientSession() as session, session.get(f"{url}/nobody/v1/models") as response:
        assert response.status == 404
        assert "/mini-swe-agent" in await response.text()


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_every_path_has_models(vllm: FakeVllm, start: Start, prefix: str) -> None:
    url = await start(upstream=vllm.url)
    async with aiohttp.ClientSession() as session, session.get(f"{url}{prefix}/v1/models") as response:
        assert (await response.json())["data"][0]["id"] == MODEL


# -- what goes upstream


@pytest.mark.parametrize("name", [client.name for client in CLIENTS if client.name != "openhands_text"])
@pytest.mark.parametrize("protocol", ["native", "text:qwen_xml"])
def test_a_prompts_own_messages_stay_to_the_byte(name: str, protocol: str) -> None:
    profile = ProfileTable.model_validate({"name": "p", "match": [MODEL], "protocol": protocol})
    plan = plan_of(REQUESTS[name](), PATHS.get(name, ""), profile)
    if not plan.prompted or (plan.client.instructs and plan.client.instructs(plan.conversation)):
        return
    written = upstream_body(plan, frozenset(), Question())
    assert plan.body.members["messages"] in written
    assert "tools" not in json.loads(written)
    assert not parses(plan, frozenset())


@pytest.mark.parametrize("name", [*PATHS, "evalscope_backticks"])
def test_what_a_prompt_leaves_unsaid_is_said_behind_the_system_prompt(name: str) -> None:
    prefix = PATHS.get(name, "/evalscope/backticks")
    messages = sent(plan_of(PLAIN, prefix))["messages"]
    assert messages[1:] == PLAIN["messages"][1:]
    assert messages[0]["content"].startswith("You help.\n\n# How to act\n")
    if name in PATHS:
        assert "submit" in messages[0]["content"]
        assert "once more" in messages[0]["content"]
    later = [*PLAIN["messages"], {"role": "assistant", "content": "```\nls\n```\n<function=a>\n</command>"}, PLAIN["messages"][1]]
    assert sent(plan_of({**PLAIN, "messages": later}, prefix))["messages"][:2] == messages


@pytest.mark.parametrize("name", [name for name in PATHS if name != "swe_agent_action"])
def test_what_a_prompt_says_is_not_said_again(name: str) -> None:
    body = REQUESTS[name]()
    assert sent(plan_of(body, PATHS[name]))["messages"] == body["messages"]


@pytest.mark.parametrize(
    ("system", "written"),
    [
        ([], [{"role": "system", "content": "WORDS"}]),
        (
            [{"role": "system", "content": [{"type": "text", "text": "A", "cache_control": {"type": "ephemeral"}}]}],
            [
                {
                    "role": "system",
                    "content": [
                        {"type": "text", "text": "A", "cache_control": {"type": "ephemeral"}},
                        {"type": "text", "text": "WORDS"},
                    ],
                }
            ],
        ),
        ([{"role": "system", "content": None}], [{"role": "system", "content": "WORDS"}]),
    ],
)
def test_words_find_a_place_in_any_system_prompt(system: list[Any], written: list[Any]) -> None:
    user = {"role": "user", "content": "Fix it."}
    plan = plan_of({**PLAIN, "messages": [*system, user]}, "/swe-agent/backticks")
    assert plan.client.instructs is not None
    words = plan.client.instructs(plan.conversation)
    expected = json.loads(json.dumps(written).replace("WORDS", json.dumps(words)[1:-1]))
    assert sent(plan)["messages"] == [*expected, user]


def test_a_result_in_a_user_message_opens_no_thought() -> None:
    body = REQUESTS["mini_swe_agent_fence"]()
    said = [{"role": "assistant", "content": "```mswea_bash_command\nls\n```"}, {"role": "user", "content": "a"}]
    plan = plan_of(
        {
            **body,
            "model": "gemma-4",
            "stream": True,
            "messages": [*body["messages"], *said],
            "chat_template_kwargs": {"enable_thinking": True},
        }
    )
    assert plan.conversation.turns[-1].role == "tool"
    assert plan.opened(raw=True, split=False) == "maybe"  # not "yes": no result opened one; the answer is held, and will show
