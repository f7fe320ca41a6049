"""An agent that goes round, fails alike, is done, or only talks: asked about it, through the whole proxy, whole and streamed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import BASH, MODEL, Proxy, Start
from tests.fake_vllm import FakeVllm
from tests.proxy.test_exchange import written

SUBMIT: dict[str, Any] = {"type": "function", "function": {"name": "submit", "parameters": {"type": "object", "properties": {}}}}
FINISH: dict[str, Any] = {"type": "function", "function": {"name": "finish", "parameters": {"type": "object", "properties": {}}}}
SHELL: dict[str, Any] = {"type": "function", "function": {**BASH["function"], "name": "execute_bash"}}


def said(command: str, tool: str = "bash") -> str:
    return f'<|tool_call>call:{tool}{{command:<|"|>{command}<|"|>}}<tool_call|>'


def past(*pairs: tuple[str, str], tool: str = "bash") -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = [{"role": "system", "content": "Work."}, {"role": "user", "content": "Fix it."}]
    for at, (command, result) in enumerate(pairs):
        call = {"id": f"c{at}", "type": "function", "function": {"name": tool, "arguments": f'{{"command": "{command}"}}'}}
        messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": f"c{at}", "content": result})
    return messages


def texts(body: dict[str, Any]) -> list[str]:
    return [str(each.get("content")) for each in body["messages"]]


async def test_the_third_time_the_model_is_told_and_does_something_else(
    vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path
) -> None:
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path), vllm, stream)
    vllm.says(said("cat a"), said("cat b"))
    seen = await proxy.ask(tools=[BASH], messages=past(("cat a", "x"), ("cat a", "x")))
    assert seen.calls == [("bash", {"command": "cat b"})]
    first, second = vllm.requests
    assert second["messages"][: len(first["messages"])] == first["messages"]
    assert "third time" in texts(second)[-1]
    assert "Make the call again" not in texts(second)[-1]
    assert second["temperature"] != first.get("temperature")
    record = await written(tmp_path)
    assert (record["outcome"], record["class"], record["reason"]) == ("asked-again", "model-loop", "repeated-call")


async def test_who_insists_gets_the_call(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path), vllm, stream)
    vllm.says(said("cat a"))
    seen = await proxy.ask(tools=[BASH], messages=past(("cat a", "x"), ("cat a", "x")))
    assert (seen.calls, seen.finish) == ([("bash", {"command": "cat a"})], "tool_calls")
    assert len(vllm.requests) == 3
    record = await written(tmp_path)
    assert (record["outcome"], record["reason"]) == ("failed-open", "repeated-call")


async def test_the_repeats_are_left_out_of_what_the_model_sees(proxy: Proxy) -> None:
    proxy.vllm.says(said("cat a"), said("cat b"))
    history = past(*[("cat a", "x")] * 5)
    await proxy.ask(tools=[BASH], messages=history)
    first, second = proxy.vllm.requests
    assert first["messages"] == history
    assert second["messages"][:4] == history[:4]
    assert [each["role"] for each in second["messages"][4:]] == ["assistant", "user"]


async def test_in_the_end_the_session_is_stopped_in_words(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path), vllm, stream)
    vllm.says(said("cat a"))
    seen = await proxy.ask(tools=[BASH], messages=past(*[("cat a", "x")] * 11))
    assert (seen.calls, len(vllm.requests)) == ([], 1)
    assert "[toolmend: stopped here." in seen.text
    assert (await written(tmp_path))["reason"] == "stuck"


async def test_patience_is_set_in_the_profile(vllm: FakeVllm, start: Start, stream: bool) -> None:
    profile = {"name": "patient", "extends": "gemma-4", "match": [MODEL], "patience": {"repeats": 0}}
    proxy = Proxy(await start(upstream=vllm.url, profile=[profile]), vllm, stream)
    vllm.says(said("cat a"))
    await proxy.ask(tools=[BASH], messages=past(*[("cat a", "x")] * 20))
    assert len(vllm.requests) == 1


async def test_a_tool_that_fails_alike_is_asked_about_once(proxy: Proxy) -> None:
    proxy.vllm.says(said("python v9"), said("python v8"))
    failing = [(f"python v{at}", "error: no such option: -x") for at in range(3)]
    seen = await proxy.ask(tools=[BASH], messages=past(*failing))
    assert seen.calls == [("bash", {"command": "python v8"})]
    assert len(proxy.vllm.requests) == 2
    assert "no such option" in texts(proxy.vllm.requests[1])[-1]


DONE = [("sed -i s/a/b/ x.py", ""), ("python -m pytest", "1 passed"), *[(f"cat {at}", "x") for at in range(5)]]


async def test_who_is_done_is_told_how_to_finish(proxy: Proxy) -> None:
    proxy.vllm.says(said("ls", "execute_bash"), "<|tool_call>call:finish{}<tool_call|>")
    seen = await proxy.ask(tools=[SHELL, FINISH], messages=past(*DONE, tool="execute_bash"))
    assert seen.calls == [("finish", {})]
    assert "use `finish`" in texts(proxy.vllm.requests[1])[-1]


async def test_where_nobody_knows_how_to_finish_nobody_is_told(proxy: Proxy) -> None:
    proxy.vllm.says(said("ls"))
    assert (await proxy.ask(tools=[BASH, SUBMIT | {}], messages=past(*DONE, tool="bash"))).calls
    assert len(proxy.vllm.requests) == 2  # submit beside bash is SWE-agent's
    proxy.vllm.requests.clear()
    assert (await proxy.ask(tools=[BASH], messages=past(*DONE))).calls
    assert len(proxy.vllm.requests) == 1


async def test_an_announcement_is_asked_for_its_call(proxy: Proxy) -> None:
    proxy.vllm.says("I see. Let me look at the file:", said("ls"))
    seen = await proxy.ask(tools=[BASH])
    assert (seen.text, seen.calls, seen.finish) == (
        "I see. Let me look at the file:",
        [("bash", {"command": "ls"})],
        "tool_calls",
    )


@pytest.mark.parametrize("text", ["Done: the typo is fixed.", "Which file do you mean?", "I'm sorry, I can't do that."])
async def test_an_answer_is_never_asked_about(proxy: Proxy, text: str) -> None:
    proxy.vllm.says(text, said("ls"))
    seen = await proxy.ask(tools=[BASH])
    assert (seen.text, seen.calls, seen.finish, len(proxy.vllm.requests)) == (text, [], "stop", 1)


async def test_an_announcement_is_asked_about_once(proxy: Proxy) -> None:
    proxy.vllm.says("Let me look at the file:")
    seen = await proxy.ask(tools=[BASH])
    assert (seen.text, seen.calls, len(proxy.vllm.requests)) == ("Let me look at the file:", [], 2)


async def test_a_demanded_call_is_asked_for(proxy: Proxy) -> None:
    proxy.vllm.says("It is 4.", said("ls"))
    assert (await proxy.ask(tools=[BASH], tool_choice="required")).calls == [("bash", {"command": "ls"})]


async def test_a_function_that_is_demanded_is_the_only_one(proxy: Proxy) -> None:
    choice = {"type": "function", "function": {"name": "submit"}}
    proxy.vllm.says(said("ls"), "<|tool_call>call:submit{}<tool_call|>")
    assert (await proxy.ask(tools=[BASH, SUBMIT], tool_choice=choice)).calls == [("submit", {})]
    assert len(proxy.vllm.requests) == 2


async def test_who_takes_no_parallel_calls_gets_one(proxy: Proxy) -> None:
    proxy.vllm.says(said("ls") + said("pwd"))
    assert (await proxy.ask(tools=[BASH], parallel_tool_calls=False)).calls == [("bash", {"command": "ls"})]


async def test_where_nothing_may_be_called_nothing_is_asked_for(proxy: Proxy) -> None:
    proxy.vllm.says("Let me look at the file:")
    assert (await proxy.ask(tools=[BASH], tool_choice="none")).text == "Let me look at the file:"
    assert len(proxy.vllm.requests) == 1


SWE = [{**BASH, "function": {**BASH["function"], "description": "runs the given command directly in bash"}}, SUBMIT]


async def test_calls_that_the_client_does_not_take_are_told_to_the_model_next_time(proxy: Proxy) -> None:
    proxy.vllm.says(said("ls") + said("pwd"), said("cat a"), said("cat b"))
    seen = await proxy.ask(tools=SWE, messages=past())
    assert seen.calls == [("bash", {"command": "ls"})]
    await proxy.ask(tools=SWE, messages=past(("ls", "a")))
    assert texts(proxy.vllm.requests[1])[-1].startswith('a\n\n(Only "bash" of your last turn was run')
    await proxy.ask(tools=SWE, messages=past(("ls", "a"), ("cat a", "x")))
    assert texts(proxy.vllm.requests[2])[-1] == "x"


@pytest.mark.parametrize("complaints", [["Error 1: not taken.", "Error 2: not taken."], ["Error: not taken."] * 2])
async def test_what_the_client_refused_and_forgot_is_counted(proxy: Proxy, complaints: list[str]) -> None:
    proxy.vllm.says(said("ls"), said("ls"), said("ls"), said("pwd"))
    messages = past()
    for complaint in complaints:
        assert (await proxy.ask(tools=[BASH], messages=messages)).calls == [("bash", {"command": "ls"})]
        messages = [*messages, {"role": "user", "content": complaint}]
    assert (await proxy.ask(tools=[BASH], messages=messages)).calls == [("bash", {"command": "pwd"})]
    assert "third time" in texts(proxy.vllm.requests[-1])[-1]


async def test_the_same_request_once_more_counts_for_nothing(proxy: Proxy) -> None:
    proxy.vllm.says(said("ls"))
    for _ in range(5):
        await proxy.ask(tools=[BASH], messages=past())
    assert len(proxy.vllm.requests) == 5
