"""Every client through the proxy: chosen by path or body, its messages kept, its answer in its own form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.registry import CLIENTS, DIALECTS, PREFIXES
from proxy.body import read_body
from proxy.demo.speak import Said
from proxy.plan import Plan, Question, make_plan, parses, upstream_body
from proxy.profiles import load
from proxy.settings import Limits, ProfileTable, Settings
from tests.adapters.clients.judges import JUDGES
from tests.adapters.clients.prompts import CLINE, REQUESTS
from tests.adapters.clients.stand_ins import STAND_INS
from tests.conftest import MODEL, Start
from tests.fake_vllm import FakeVllm
from tests.proxy.test_exchange import written

LS = '<|tool_call>call:bash{command:<|"|>ls -la<|"|>}<tool_call|>'
PLAIN: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "system", "content": "You help."}, {"role": "user", "content": "Fix it."}],
}
SHELLS = [name for name in JUDGES if name not in ("openhands_text", "cline_xml")]
PATHS = {name: f"/swe-agent/{name.removeprefix('swe_agent_')}" for name in SHELLS if name.startswith("swe_agent_")}


@pytest.fixture(autouse=True)
def dialects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a stand-in where a dialect is not there."""
    for name, dialect in STAND_INS.items():
        if name not in DIALECTS:
            monkeypatch.setitem(DIALECTS, name, dialect)  # type: ignore[arg-type]


def plan_of(body: dict[str, Any], prefix: str = "", *tables: ProfileTable) -> Plan:
    return make_plan(read_body(json.dumps(body).encode(), Limits()), Settings(upstream="http://x"), load(tables), prefix=prefix)


def sent(plan: Plan) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(upstream_body(plan, frozenset(), Question()))
    return body


async def ask(url: str, body: dict[str, Any], prefix: str = "", stream: bool = False) -> tuple[int, dict[str, Any]]:
    """Ask, and return the status and the message with its finish reason, or the error."""
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{url}{prefix}/v1/chat/completions", json={**body, "stream": stream}) as response:
            if response.status != 200:
                return response.status, (await response.json())["error"]
            if not stream:
                choice = (await response.json())["choices"][0]
                return 200, {**choice["message"], "finish": choice["finish_reason"]}
            text, finish, calls = "", None, []
            async for line in response.content:
                if line.startswith(b"data: {"):
                    choice = json.loads(line[6:])["choices"][0] if json.loads(line[6:])["choices"] else {"delta": {}}
                    text += choice["delta"].get("content") or ""
                    calls += choice["delta"].get("tool_calls") or []
                    finish = choice.get("finish_reason") or finish
            return 200, {"content": text, "finish": finish, "tool_calls": calls}


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
@pytest.mark.parametrize("dialect", ["native", "qwen_xml"])
def test_a_prompts_own_messages_stay_to_the_byte(name: str, dialect: str) -> None:
    profile = ProfileTable.model_validate({"name": "p", "match": [MODEL], "dialect": dialect})
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
    assert plan.opened(raw=True, split=False) == "no"


# -- what comes back


@pytest.mark.parametrize("name", SHELLS)
async def test_a_models_own_call_becomes_the_clients_action(vllm: FakeVllm, start: Start, stream: bool, name: str) -> None:
    vllm.says(f"I look.\n{LS}")
    status, answer = await ask(await start(upstream=vllm.url), REQUESTS[name](), PATHS.get(name, ""), stream)
    assert (status, answer["finish"]) == (200, "stop")
    assert not answer.get("tool_calls")
    assert JUDGES[name](answer["content"]) == [("bash", "ls -la")]
    assert "tools" not in vllm.requests[0]


async def test_a_call_that_the_server_parsed_becomes_a_text_action(vllm: FakeVllm, start: Start, stream: bool) -> None:
    call = {"id": "s1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}
    vllm.says(Said("Look.", calls=[call], finish="tool_calls"))
    _, answer = await ask(await start(upstream=vllm.url), REQUESTS["mini_swe_agent_fence"](), "", stream)
    assert (answer["content"], answer["finish"]) == ("Look.\n\n```mswea_bash_command\nls\n```", "stop")


@pytest.mark.parametrize(
    "name",
    [
        "mini_swe_agent_fence",
        "evalscope_backticks",
        "mini_swe_agent_tag",
        "swe_agent_xml_thought_action",
        "swe_agent_thought_action",
    ],
)
async def test_the_action_that_the_prompt_asks_for_is_read(vllm: FakeVllm, start: Start, stream: bool, name: str) -> None:
    opener, closer = {
        "mini_swe_agent_tag": ("<mswea_bash_command>", "</mswea_bash_command>"),
        "swe_agent_xml_thought_action": ("<command>\n", "\n</command>"),
        "swe_agent_thought_action": ("```\n", "\n```"),
    }.get(name, ("```mswea_bash_command\n", "\n```"))
    vllm.says(f"THOUGHT: I look.\n\n{opener}ls{closer}")
    _, answer = await ask(await start(upstream=vllm.url), REQUESTS[name](), "", stream)
    assert answer["content"] == f"THOUGHT: I look.\n\n{opener}ls{closer}"
    assert len(vllm.requests) == 1


async def test_a_fence_becomes_a_call_where_the_client_sent_tools(vllm: FakeVllm, start: Start, stream: bool) -> None:
    body = REQUESTS["mini_swe_agent_tools"]()
    body["messages"][0]["content"] = "One command:\n```mswea_bash_command\nls\n```"
    vllm.says("THOUGHT: I look.\n\n```mswea_bash_command\nls -la\n```")
    _, answer = await ask(await start(upstream=vllm.url), body, "", stream)
    [call] = answer["tool_calls"]
    assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == ("bash", {"command": "ls -la"})
    assert answer["finish"] == "tool_calls"


async def test_of_two_actions_the_model_is_asked_for_one(vllm: FakeVllm, start: Start, stream: bool) -> None:
    vllm.says(f"{LS}{LS.replace('ls -la', 'pwd')}", LS.replace("ls -la", "id"))
    _, answer = await ask(await start(upstream=vllm.url), REQUESTS["mini_swe_agent_fence"](), "", stream)
    assert JUDGES["mini_swe_agent_fence"](answer["content"]) == [("bash", "id")]
    assert len(vllm.requests) == 2


async def test_swe_agent_gets_one_structured_call(vllm: FakeVllm, start: Start, stream: bool) -> None:
    vllm.says(f"{LS}{LS.replace('ls -la', 'pwd')}")
    body = REQUESTS["swe_agent_function_calling"]()
    marked = {"type": "text", "text": "ok", "cache_control": {"type": "ephemeral"}}
    body["messages"].append({"role": "assistant", "content": [marked]})
    body["messages"].append({"role": "user", "content": [marked]})
    _, answer = await ask(await start(upstream=vllm.url), body, "/swe-agent", stream)
    [call] = answer["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"command": "ls -la"}
    assert vllm.requests[0]["messages"] == body["messages"]
    assert len(vllm.requests) == 1


async def test_submitting_is_what_the_client_takes(vllm: FakeVllm, start: Start, stream: bool) -> None:
    url = await start(upstream=vllm.url)
    for call, prefix in (("submit{}", PATHS["swe_agent_thought_action"]), ("finish{}", PATHS["swe_agent_xml_thought_action"])):
        vllm.says(f"<|tool_call>call:{call}<tool_call|>")
        _, answer = await ask(url, PLAIN, prefix, stream)
        assert JUDGES[prefix.replace("/swe-agent/", "swe_agent_")](answer["content"]) == [("submit", {})]


async def test_mini_swe_agent_has_nothing_to_submit_with(vllm: FakeVllm, start: Start, stream: bool) -> None:
    vllm.says("<|tool_call>call:submit{}<tool_call|>", LS)
    _, answer = await ask(await start(upstream=vllm.url), REQUESTS["mini_swe_agent_fence"](), "", stream)
    assert JUDGES["mini_swe_agent_fence"](answer["content"]) == [("bash", "ls -la")]
    assert "There is no tool" in vllm.requests[1]["messages"][-1]["content"]


async def test_what_nothing_can_carry_is_asked_for_again(vllm: FakeVllm, start: Start, stream: bool) -> None:
    call = "<tool_call>\n<function=read_file>\n<parameter=path>\n{}\n</parameter>\n</function>\n</tool_call>"
    vllm.says(call.format("a</path>b"), call.format("ab"))
    url = await start(upstream=vllm.url)
    _, answer = await ask(url, REQUESTS["cline_xml"](), "", stream)
    assert answer["content"] == "<read_file>\n<path>ab</path>\n</read_file>"
    assert "ends it too soon" in vllm.requests[1]["messages"][-1]["content"]
    vllm.says(call.format("a</path>b"))
    _, answer = await ask(url, REQUESTS["cline_xml"](), "", stream)
    assert answer["content"] == 'read_file({"path": "a</path>b"})'


async def test_a_cut_command_is_not_run(vllm: FakeVllm, start: Start, stream: bool) -> None:
    vllm.says(Said('I clean.\n<|tool_call>call:bash{command:<|"|>rm -rf /tmp/x', finish="length"))
    _, answer = await ask(await start(upstream=vllm.url), REQUESTS["mini_swe_agent_fence"](), "", stream)
    assert JUDGES["mini_swe_agent_fence"](answer["content"]) == []
    assert answer["finish"] == "length"


# -- what cannot be read


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            {
                **PLAIN,
                "messages": [{"role": "system", "content": CLINE.replace("Parameters:\n- path: (required) Where it is.", "x")}],
            },
            "unreadable-tools",
        ),
        (
            {
                **PLAIN,
                "messages": [
                    {
                        "role": "system",
                        "content": "You have access to the following functions:\n\n---- BEGIN FUNCTION #1: bash ----\nParameters:\n what?\n---- END FUNCTION #1 ----",
                    }
                ],
            },
            "unreadable-functions",
        ),
    ],
)
async def test_tools_that_cannot_be_read_are_written_down(
    vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path, body: dict[str, Any], reason: str
) -> None:
    vllm.says("Well.")
    raw = json.dumps({**body, "stream": stream}).encode()
    url = await start(upstream=vllm.url, journal=tmp_path)
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{url}/v1/chat/completions", data=raw, headers={"Content-Type": "application/json"}) as response:
            assert response.status == 200
            await response.read()
    assert vllm.bodies == [raw]
    record = await written(tmp_path)
    assert (record["outcome"], record["class"], record["reason"]) == ("relayed", "client-schema", reason)
