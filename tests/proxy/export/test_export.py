"""`toolmend export`: what is written is fit to learn from, in the forms that trainers document; all else is left out and counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.base import Client
from proxy.demo.speak import Said
from rules.conversation import Conversation, ToolCall
from rules.problems import judge
from rules.samples import WAIT as WAIT_SPEC
from tests.adapters.clients.judges import JUDGES
from tests.conftest import WAIT, Proxy, Start
from tests.fake_vllm import FakeVllm
from tests.laws.test_faults import MENDED, actions, gemma, scene, wanted
from tests.proxy.client_requests import PATHS, ask
from tests.proxy.turns_kept import AS_TEXT, BASH, EMPTY, GOOD, OTHERS, history, kept, lines, run, step

FORMATS = ("openai", "sharegpt", "mini-swe")
SECRET = "sk-canary0123456789abcdef"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIcanary0123456789\n-----END PRIVATE KEY-----"


async def recorded(vllm: FakeVllm, start: Start, folder: Path, stream: bool, *answers: Any, **body: Any) -> dict[str, Any]:
    vllm.says(*answers)
    proxy = Proxy(await start(upstream=vllm.url, journal=folder), vllm, stream)
    await proxy.ask(**{"messages": history(2), "tools": [BASH, OTHERS[0]], **body})
    return dict((await kept(folder))[-1])


def called(message: dict[str, Any]) -> list[Any]:
    return [(each["function"]["name"], each["function"]["arguments"]) for each in message["tool_calls"]]


async def test_a_mended_turn_is_a_conversation(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    await recorded(vllm, start, tmp_path, stream, f"I look.\n{AS_TEXT}")
    result = await run("export", "--journal", tmp_path)
    assert result.exit_code == 0, result.output
    assert result.stderr == "1 written\n"
    [made] = lines(result)
    assert list(made) == ["messages", "tools"]
    assert made["messages"][:-1] == history(2)
    answer = made["messages"][-1]
    assert (answer["role"], answer["content"].strip()) == ("assistant", "I look.")
    [(name, arguments)] = called(answer)
    assert (name, json.loads(arguments)) == ("bash", {"command": "ls", "timeout": 5})
    assert made["tools"] == [BASH, OTHERS[0]]


async def test_a_turn_that_was_asked_again_is_a_pair(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    await recorded(vllm, start, tmp_path, stream, f"Well.\n{EMPTY}", GOOD)
    [made] = lines(await run("export", "--pairs", "--journal", tmp_path))
    assert list(made) == ["prompt", "chosen", "rejected", "tools"]
    assert [each["role"] for each in made["prompt"]] == ["system", "user", "assistant", "tool", "assistant", "tool"]
    assert called(made["prompt"][2]) == [("bash", {"command": "ls 0"})]
    [chosen], [rejected] = made["chosen"], made["rejected"]
    assert called(chosen) == [("bash", {"command": "ls -la"})]
    assert rejected == {"role": "assistant", "content": f"Well.\n{EMPTY}"}


async def test_what_only_the_server_read_is_rejected_as_it_came(
    vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path
) -> None:
    served = [{"id": "s1", "type": "function", "function": {"name": "bash", "arguments": "{'command': 'ls'}"}}]
    await recorded(vllm, start, tmp_path, stream, Said(calls=served))
    [made] = lines(await run("export", "--pairs", "--journal", tmp_path))
    assert called(made["rejected"][0]) == [("bash", "{'command': 'ls'}")]
    assert called(made["chosen"][0]) == [("bash", {"command": "ls"})]
    [other] = lines(await run("export", "--pairs", "--format", "sharegpt", "--journal", tmp_path))
    assert other["rejected"]["from"] == "gpt"
    result = await run("export", "--pairs", "--format", "mini-swe", "--journal", tmp_path)
    assert result.exit_code == 1
    assert "1 left out: the model's own text of its first answer is not known" in result.stderr


def takes_turns(said: list[dict[str, str]]) -> bool:
    """Check a conversation as LLaMA-Factory's converter does: sides alternate, people begin."""
    sides = [("human", "observation"), ("gpt", "function_call")]
    return all(each["from"] in sides[place % 2] for place, each in enumerate(said))


async def test_sharegpt_takes_turns(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    two = step(5)[0] | {"tool_calls": [*step(5)[0]["tool_calls"], *step(6)[0]["tool_calls"]]}
    messages = [*history(1), two, step(5)[1], step(6)[1], {"role": "user", "content": "Go on."}]
    await recorded(vllm, start, tmp_path, stream, AS_TEXT, messages=messages)
    [made] = lines(await run("export", "--format", "sharegpt", "--journal", tmp_path))
    said = made["conversations"]
    assert takes_turns(said)
    assert len(said) % 2 == 0
    assert made["system"] == "You help."
    assert json.loads(made["tools"]) == [BASH["function"], OTHERS[0]["function"]]
    assert [each["from"] for each in said] == ["human", *["function_call", "observation"] * 2, "function_call"]
    assert json.loads(said[3]["value"]) == [{"name": "bash", "arguments": {"command": f"ls {each}"}} for each in (5, 6)]
    assert said[4]["value"] == "result 5\n\nresult 6\n\nGo on."
    assert json.loads(said[-1]["value"]) == {"name": "bash", "arguments": {"command": "ls", "timeout": 5}}
    [pair] = lines(await run("export", "--format", "sharegpt", "--pairs", "--journal", tmp_path))
    assert pair["conversations"] == said[:-1]
    assert pair["chosen"] == said[-1]
    assert pair["rejected"] == {"from": "gpt", "value": AS_TEXT}


async def test_mini_swe_says_it_as_a_command(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    await recorded(vllm, start, tmp_path, stream, f"I look.\n{AS_TEXT}")
    [made] = lines(await run("export", "--format", "mini-swe", "--journal", tmp_path))
    system, *rest = made["messages"]
    assert list(made) == ["messages"]
    assert system["content"].startswith("You help.\n\n")
    assert [each["role"] for each in rest] == ["user", "assistant", "user", "assistant", "user", "assistant"]
    assert rest[1]["content"] == "THOUGHT: Step 0.\n\n```bash\nls 0\n```"
    assert rest[2]["content"] == "<output>\nresult 0\n</output>"
    assert rest[-1]["content"] == "THOUGHT: I look.\n\n```bash\nls\n```"
    [pair] = lines(await run("export", "--format", "mini-swe", "--pairs", "--journal", tmp_path))
    assert (pair["prompt"], pair["chosen"]) == (made["messages"][:-1], [made["messages"][-1]])
    assert pair["rejected"] == [{"role": "assistant", "content": f"I look.\n{AS_TEXT}"}]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ('<|tool_call>call:other_a{path:<|"|>a<|"|>,depth:<|"|>5<|"|>}<tool_call|>', "a call is no shell command"),
        (AS_TEXT + AS_TEXT.replace(">ls<", ">pwd<"), "there are several calls in one turn"),
        (AS_TEXT.replace(">ls<", ">cat <<E\n```\nE<"), "a command, or the words before it, holds a fence of its own"),
    ],
)
async def test_mini_swe_leaves_out_what_is_no_command(
    vllm: FakeVllm, start: Start, tmp_path: Path, answer: str, why: str
) -> None:
    await recorded(vllm, start, tmp_path, False, answer)
    result = await run("export", "--format", "mini-swe", "--journal", tmp_path)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert f"1 left out: {why}" in result.stderr
    assert (await run("export", "--journal", tmp_path)).exit_code == 0


@pytest.mark.parametrize("client", MENDED, ids=lambda client: client.name)
async def test_every_client_gets_what_it_got(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path, client: Client) -> None:
    """What is exported is read by the client's own parser, or is a right call of a declared tool."""
    body, within, call = scene(client, "")
    vllm.says(gemma(ToolCall("", call.name, {})), gemma(call))
    await ask(await start(upstream=vllm.url, journal=tmp_path), body, PATHS.get(client.name, ""), stream)
    await kept(tmp_path)
    result = await run("export", "--journal", tmp_path)
    assert result.exit_code == 0, result.output
    [made] = lines(result)
    answer = made["messages"][-1]
    if "tools" not in made:
        assert client.name in JUDGES
        assert made["messages"][:-1] == [{"role": each["role"], "content": each["content"]} for each in body["messages"]] or (
            client.instructs  # the model is told the form where the prompt does not say it
        )
        assert actions(client, answer) == wanted(client, within, call)
        return
    declared = {tool["function"]["name"]: tool["function"]["parameters"] for tool in made["tools"]}
    assert declared == {tool.name: tool.parameters for tool in within.tools}
    [(name, arguments)] = called(answer)
    assert name == call.name
    assert judge(ToolCall("", name, json.loads(arguments)), within) == []
    assert dict(call.arguments).items() <= json.loads(arguments).items()  # type: ignore[arg-type]


@pytest.mark.parametrize("client", MENDED, ids=lambda client: client.name)
async def test_plain_text_keeps_the_form_that_a_prompt_asks_for(
    vllm: FakeVllm, start: Start, tmp_path: Path, client: Client
) -> None:
    """Its own fence stays mini-swe-agent's; other text prompts ask for other forms; calls of a shell become commands."""
    body, within, call = scene(client, "")
    vllm.says(gemma(ToolCall("", call.name, {})), gemma(call))
    await ask(await start(upstream=vllm.url, journal=tmp_path), body, PATHS.get(client.name, ""))
    await kept(tmp_path)
    result = await run("export", "--format", "mini-swe", "--journal", tmp_path)
    if client.name in ("mini_swe_agent_fence", "evalscope_backticks"):
        [made] = lines(result)
        assert actions(client, made["messages"][-1]) == wanted(client, within, call)
    elif not body.get("tools") and client.name != "openhands_text":
        assert result.exit_code == 1
        assert "1 left out: its client's prompt asks for another form of text" in result.stderr
    else:
        [made] = lines(result)
        assert made["messages"][-1]["content"].endswith("```bash\nls -la\n```")


@pytest.mark.parametrize("form", FORMATS)
async def test_no_secret_comes_out(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path, form: str) -> None:
    """Neither one that the journal left out, nor one that came into it by another way."""
    messages = [
        {"role": "system", "content": f"Key: {SECRET}"},
        {"role": "user", "content": f"Use {SECRET} and Bearer {SECRET}.\n{KEY}"},
    ]
    described = {**BASH, "function": {**BASH["function"], "description": f"With {SECRET}."}}
    before = await recorded(vllm, start, tmp_path / "j", stream, f"{SECRET}\n{EMPTY}", GOOD, messages=messages, tools=[described])
    assert SECRET not in json.dumps(before)
    leaky = {
        **before,
        "request": {**before["request"], "body": {**before["request"]["body"], "messages": messages, "tools": [described]}},
    }
    (tmp_path / "leaky.jsonl").write_text(json.dumps(leaky) + "\n")
    for journal in ("j", "leaky.jsonl"):
        for more in ((), ("--pairs",)):
            result = await run("export", "--format", form, *more, "--journal", tmp_path / journal)
            if not stream:  # in a stream the words were delivered, too
                assert result.exit_code == 0, result.output
                assert "[redacted sk-]" in result.stdout
            assert "canary" not in result.output
        for command in ("minimise", "example"):
            result = await run(command, "last", "--journal", tmp_path / journal)
            assert result.exit_code == 0
            assert "canary" not in result.output


async def test_a_call_that_held_a_secret_is_not_learned(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    """The model would learn to write the mark that stands in its place."""
    await recorded(vllm, start, tmp_path, stream, AS_TEXT.replace(">ls<", f">echo {SECRET}<"))
    result = await run("export", "--journal", tmp_path)
    assert result.exit_code == 1
    assert "1 left out: what was delivered held a secret, which was taken out" in result.stderr


async def test_large_numbers_stay_exact(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    await recorded(vllm, start, tmp_path, stream, AS_TEXT.replace(">5<", ">123456789012345678901234567890<"))
    [made] = lines(await run("export", "--pairs", "--journal", tmp_path))
    assert called(made["chosen"][0]) == [("bash", {"command": "ls", "timeout": 123456789012345678901234567890})]


async def test_the_same_is_written_once(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    vllm.says(AS_TEXT)
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path), vllm, stream)
    for content in ("one", "one", "two"):
        await proxy.ask(content, tools=[BASH])
    await kept(tmp_path, 3)
    result = await run("export", "--journal", tmp_path)
    assert result.stderr == "2 written\n  1 left out: the same was written before\n"
    assert {made["messages"][0]["content"] for made in lines(result)} == {"one", "two"}


async def test_an_engines_fault_is_nothing_for_the_model_to_unlearn(
    vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path
) -> None:
    await recorded(vllm, start, tmp_path, stream, GOOD)
    assert (await run("export", "--journal", tmp_path)).exit_code == 0
    result = await run("export", "--pairs", "--journal", tmp_path)
    assert result.exit_code == 1
    assert "1 left out: the model's own answer was right: the fault was not its own" in result.stderr


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([EMPTY], "its outcome is failed-open"),
        ([EMPTY, "I am done."], "no call was delivered"),
    ],
)
async def test_what_was_not_put_right_is_left_out(
    vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path, answers: list[str], why: str
) -> None:
    await recorded(vllm, start, tmp_path, stream, *answers)
    result = await run("export", "--journal", tmp_path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"1 left out: {why}" in result.stderr


async def test_what_was_only_observed_is_left_out(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    vllm.says(Said(calls=[{"id": "s1", "type": "function", "function": {"name": "bash", "arguments": '{"command": 5}'}}]))
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path, mode="observe"), vllm, stream)
    await proxy.ask(tools=[BASH])
    await kept(tmp_path)
    result = await run("export", "--journal", tmp_path)
    assert "1 left out: it was only observed: nothing was delivered by us" in result.stderr


async def test_a_record_that_was_tampered_with_is_left_out(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    """What is written is judged again, whatever a record says of itself."""
    before = await recorded(vllm, start, tmp_path / "j", stream, AS_TEXT)
    wrong = {**before, "turn": "a", "final": {**before["final"], "calls": [{"name": "bash", "arguments": '{"command": 5}'}]}}
    strict = json.loads(json.dumps(before))
    strict["request"]["body"]["tools"][0]["function"]["parameters"]["required"] += ["timeout", "reason"]
    (tmp_path / "wrong.jsonl").write_text(f"{json.dumps(wrong)}\n{json.dumps(strict)}\n")
    result = await run("export", "--journal", tmp_path / "wrong.jsonl")
    assert (result.exit_code, result.stdout) == (1, "")
    assert (
        "1 left out: today's code delivers something else\n  1 left out: a delivered call does not fit its schema\n"
        in result.stderr
    )


async def test_a_schema_that_is_not_plain_is_judged_too(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    answer = '<|tool_call>call:wait{seconds:<|"|>30<|"|>}<tool_call|>'
    await recorded(vllm, start, tmp_path, stream, answer, tools=[WAIT])
    [made] = lines(await run("export", "--journal", tmp_path))
    assert called(made["messages"][-1]) == [("wait", '{"seconds": 30}')]
    assert judge(ToolCall("", "wait", {"seconds": 30}), Conversation((WAIT_SPEC,))) == []


async def test_long_requests_are_left_out_unless_wanted(vllm: FakeVllm, start: Start, tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "x" * 300_000}]
    before = await recorded(vllm, start, tmp_path, False, AS_TEXT, messages=messages)
    assert before["request"]["shortened"]
    result = await run("export", "--journal", tmp_path)
    assert result.exit_code == 1
    assert "too long to be kept whole" in result.stderr
    [made] = lines(await run("export", "--shortened", "--journal", tmp_path))
    assert "characters cut]" in made["messages"][0]["content"]


async def test_a_file_is_for_its_owner_and_several_journals_are_read(vllm: FakeVllm, start: Start, tmp_path: Path) -> None:
    await recorded(vllm, start, tmp_path / "a", False, AS_TEXT)
    await recorded(vllm, start, tmp_path / "b", False, EMPTY, GOOD)
    out = tmp_path / "data.jsonl"
    result = await run("export", "--journal", tmp_path / "a", "--journal", tmp_path / "b", "--out", out)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "2 written\n")
    assert out.stat().st_mode & 0o777 == 0o600
    assert len(out.read_text().splitlines()) == 2
    result = await run("export", "--journal", tmp_path / "none", "--out", out)
    assert result.exit_code == 1
    assert len(out.read_text().splitlines()) == 2  # what is there is not lost to a mistake
