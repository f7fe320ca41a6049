"""What every client is answered through the proxy: its own form, one action, and nothing that was cut."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.demo.speak import Said
from tests.adapters.clients.judges import JUDGES
from tests.adapters.clients.prompts import CLINE, REQUESTS
from tests.conftest import Start
from tests.fake_vllm import FakeVllm
from tests.proxy.client_requests import LS, PATHS, PLAIN, SHELLS, ask
from tests.proxy.test_exchange import written

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


@pytest.mark.parametrize("name", ["openhands_text", *SHELLS, "cline_xml"])
async def test_half_a_character_is_asked_for_again_and_then_shown(vllm: FakeVllm, start: Start, stream: bool, name: str) -> None:
    tool, member = {"openhands_text": ("execute_bash", "command"), "cline_xml": ("read_file", "path")}.get(
        name, ("bash", "command")
    )
    vllm.says(f'<tool_call>\n{{"name": "{tool}", "arguments": {{"{member}": "a\\ud800b"}}}}\n</tool_call>')
    status, answer = await ask(await start(upstream=vllm.url), REQUESTS[name](), PATHS.get(name, ""), stream)
    assert status == 200
    assert not answer.get("tool_calls")
    assert answer["content"].startswith(f"{tool}(")
    assert "a\\ud800b" in answer["content"]
    assert "half a character" in vllm.requests[1]["messages"][-1]["content"]


@pytest.mark.parametrize("name", [name for name in SHELLS if name != "swe_agent_action"])
async def test_nothing_runs_in_the_place_of_a_call_that_cannot(vllm: FakeVllm, start: Start, stream: bool, name: str) -> None:
    unreadable = '<tool_call>\n{"name": "bash", "arguments": {"command":\n</tool_call>'
    vllm.says(f"{unreadable}\n{LS.replace('ls -la', 'git commit -a')}")
    _, answer = await ask(await start(upstream=vllm.url), REQUESTS[name](), PATHS.get(name, ""), stream)
    assert JUDGES[name](answer["content"]) == []
    assert "git commit" in answer["content"]


@pytest.mark.parametrize("name", SHELLS)
async def test_an_action_in_a_thought_that_only_ends_is_not_run(vllm: FakeVllm, start: Start, stream: bool, name: str) -> None:
    vllm.says(f"Perhaps\n{LS.replace('ls -la', 'rm x')}\n</think>\n\n{LS}")
    _, answer = await ask(await start(upstream=vllm.url), REQUESTS[name](), PATHS.get(name, ""), stream)
    assert JUDGES[name](answer["content"]) == [("bash", "ls -la")]
    assert len(vllm.requests) == 1


@pytest.mark.parametrize(
    ("name", "tool", "arguments"),
    [
        ("evalscope_toolcall", "bash", {}),  # it would report success
        ("evalscope_toolcall", "look", {}),  # it would drop it
        ("swe_agent_function_calling", "bash", {"command": None}),  # it would end the run
        ("openhands_text", "execute_bash", {"command": "echo '</function>'"}),  # no later turn could be read
    ],
)
async def test_a_call_that_a_client_does_not_survive_is_shown(
    vllm: FakeVllm, start: Start, stream: bool, name: str, tool: str, arguments: dict[str, Any]
) -> None:
    vllm.says(f"<tool_call>\n{json.dumps({'name': tool, 'arguments': arguments})}\n</tool_call>")
    _, answer = await ask(await start(upstream=vllm.url), REQUESTS[name](), "", stream)
    assert not answer.get("tool_calls")
    assert answer["content"].startswith(f"{tool}(")


async def test_no_other_broken_call_goes_out_beside_a_refused_one(vllm: FakeVllm, start: Start, stream: bool) -> None:
    vllm.says("<|tool_call>call:bash{}<tool_call|><|tool_call>call:look{}<tool_call|>")
    _, answer = await ask(await start(upstream=vllm.url), REQUESTS["evalscope_toolcall"](), "", stream)
    assert not answer.get("tool_calls")


async def test_an_endless_call_says_what_it_was(vllm: FakeVllm, start: Start, stream: bool) -> None:
    vllm.says("<|tool_call>call:bash{}<tool_call|>", LS.replace("ls -la", "echo " + "x" * 400))
    url = await start(upstream=vllm.url, budget={"tokens": 20})
    _, answer = await ask(url, REQUESTS["mini_swe_agent_fence"](), "", stream)
    assert "cut off" in answer["content"]
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
