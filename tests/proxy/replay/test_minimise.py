"""`toolmend minimise`: the smallest request with which a turn still fails alike."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from adapters.base import Client
from proxy.checker import Checker
from proxy.demo.speak import Said, events
from proxy.profiles import load
from proxy.replay.axes import AXES
from proxy.replay.minimise import minimise
from proxy.replay.run import Entry, Terms, replay
from proxy.replay.terms import settings_for, terms_for
from proxy.replay.trials import Live, Offline
from proxy.settings import FileSettings, Settings
from rules.conversation import ToolCall
from tests.conftest import Proxy, Start, listen
from tests.fake_vllm import FakeVllm
from tests.laws.test_faults import FAULTS, MENDED, gemma, message_of, scene
from tests.proxy.client_requests import PATHS, ask
from tests.proxy.replaying import drift_of
from tests.proxy.turns_kept import BASH, EMPTY, GOOD, OTHERS, history, kept, lines, run

FAILING = ("client", "class", "reason")


async def recorded(vllm: FakeVllm, start: Start, folder: Path, stream: bool, **body: Any) -> Entry:
    """Have a turn fail in a long request."""
    vllm.says(f"Well.{EMPTY}", GOOD)
    proxy = Proxy(await start(upstream=vllm.url, journal=folder), vllm, stream)
    await proxy.ask(**{"messages": history(19), "tools": [*OTHERS[:5], BASH, *OTHERS[5:]], **body})
    return (await kept(folder))[-1]


async def test_a_long_request_becomes_the_smallest_that_fails(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    before = await recorded(vllm, start, tmp_path / "j", stream)
    out = tmp_path / "small.jsonl"
    result = await run("minimise", before["turn"][:8], "--journal", tmp_path / "j", "--out", out)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("tools 11 -> 1, messages 40 -> 3, properties 22 -> 1, ")
    assert out.stat().st_mode & 0o777 == 0o600
    [made] = turns_in(out)
    assert (
        [made[key] for key in FAILING]
        == [before[key] for key in FAILING]
        == ["openai_chat", "model-arguments", "missing-arguments"]
    )
    body = made["request"]["body"]
    assert [each["content"] for each in body["messages"]] == ["Fix it.", "Step 18.", "result 18"]
    assert [tool["function"]["name"] for tool in body["tools"]] == made["request"]["tools"] == ["bash"]
    assert list(body["tools"][0]["function"]["parameters"]["properties"]) == ["command"]
    assert [each["raw"] for each in made["attempts"]] == [each["raw"] for each in before["attempts"]]
    assert made["attempts"] == before["attempts"]
    assert await drift_of(out) == [()]
    again = await run("minimise", "last", "--journal", out)
    assert lines(again) == [made]
    assert again.stderr.startswith("tools 1 -> 1, messages 3 -> 3, properties 1 -> 1, ")


def turns_in(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


async def test_what_the_fault_needs_is_kept(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    """Two rounds of the same call, whose third is refused, stand far apart from what can go."""
    call = json.loads(
        json.dumps({"id": "", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls -la"}'}})
    )
    rounds = [
        message
        for place in range(2)
        for message in (
            {"role": "assistant", "content": "", "tool_calls": [{**call, "id": f"r{place}"}]},
            {"role": "tool", "tool_call_id": f"r{place}", "content": "a.txt"},
        )
    ]
    vllm.says(GOOD, GOOD.replace("ls -la", "pwd"))
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path), vllm, stream)
    await proxy.ask(messages=[*history(9), *rounds], tools=[*OTHERS, BASH])
    [before] = await kept(tmp_path)
    assert before["reason"] == "repeated-call"
    result = await run("minimise", "last", "--journal", tmp_path)
    [made] = lines(result)
    assert made["reason"] == "repeated-call"
    assert [each.get("content") for each in made["request"]["body"]["messages"]] == ["Fix it.", "", "a.txt", "", "a.txt"]


async def test_it_is_the_same_each_time(vllm: FakeVllm, start: Start, tmp_path: Path) -> None:
    await recorded(vllm, start, tmp_path, stream=False)
    first, second = [await run("minimise", "last", "--journal", tmp_path) for _ in range(2)]
    assert (first.stdout, first.stderr) == (second.stdout, second.stderr)


@pytest.mark.parametrize("client", MENDED, ids=lambda client: client.name)
@pytest.mark.parametrize("fault", FAULTS)
async def test_every_fault_of_every_client_stays_what_it_is(
    vllm: FakeVllm, start: Start, tmp_path: Path, client: Client, fault: str
) -> None:
    body, within, call = scene(client, fault)
    earlier = [message for place in range(3) for message in message_of(client, within, call_with(call, place))]
    head = 2 if len(body["messages"]) > 1 else 1
    body = {**body, "messages": [*body["messages"][:head], *earlier, *body["messages"][head:]]}
    vllm.says(FAULTS[fault].says(call), gemma(call_with(call, 9)))
    await ask(await start(upstream=vllm.url, journal=tmp_path), body, PATHS.get(client.name, ""))
    [before] = await kept(tmp_path)
    terms = Terms(Settings(upstream="http://127.0.0.1:9"), load(()), Checker())
    try:
        made = await minimise(before, Offline(before, terms))
        assert [made.entry[key] for key in FAILING] == [before[key] for key in FAILING]
        assert (await replay(made.entry, terms)).drift == ()
        for axis in AXES:  # nothing more can be left out
            small = made.entry["request"]["body"]
            for unit in axis.units(small):
                rest = [each for each in axis.units(small) if each != unit]
                assert not await Offline(before, terms)(axis.keep(small, rest)), (axis.name, unit)
    finally:
        await terms.checker.aclose()


def call_with(call: ToolCall, place: int) -> ToolCall:
    """Make the call one of an earlier step."""
    assert not isinstance(call.arguments, str)
    others = {
        name: f"echo {place}" if name == "command" and value == "ls -la" else value for name, value in call.arguments.items()
    }
    return replace(call, id=f"early_{place}", arguments=others)


# -- asking the model again


def fails_with(*needed: str) -> FakeVllm:
    """Return a model that makes its mistake only where all of these stand in the request."""
    fake = FakeVllm()

    async def answer(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
        text = json.dumps(asked)
        said = Said(EMPTY if all(each in text for each in needed) else GOOD, calls=())
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for event in events(said, asked):
            await response.write(event)
        await response.write_eof()
        return response

    fake.says(answer)
    return fake


async def test_a_live_model_is_asked_what_it_stumbles_over(vllm: FakeVllm, start: Start, tmp_path: Path) -> None:
    before = await recorded(vllm, start, tmp_path / "j", stream=False)
    fake = fails_with("other_d", "Step 7.")
    runner = web.AppRunner(fake.app(), access_log=None)
    try:
        url = await listen(runner)
        out = tmp_path / "small.jsonl"
        options = ("--live", url, "--repeats", "1", "--trials", "80", "--out", out)
        result = await run("minimise", "last", "--journal", tmp_path / "j", *options)
    finally:
        await runner.cleanup()
    assert result.exit_code == 0, result.output
    cost, summary = result.stderr.splitlines()
    assert "at most 82 times (80 trials and two more, 1 answers each" in cost
    assert "100 prompt and 8 completion tokens" in cost
    assert summary.startswith("tools 11 -> 2, messages 40 -> 5, ")
    assert len(fake.requests) <= 82 + 2  # the last one is asked again as in service
    [made] = turns_in(out)
    assert [made[key] for key in FAILING] == [before[key] for key in FAILING]
    assert made["request"]["tools"] == ["other_d", "bash"]
    assert [each["content"] for each in made["request"]["body"]["messages"]] == [
        "Fix it.",
        "Step 7.",
        "result 7",
        "Step 18.",
        "result 18",
    ]
    assert await drift_of(out) == [()]


async def test_a_bound_on_trials_is_kept(vllm: FakeVllm, start: Start, tmp_path: Path) -> None:
    await recorded(vllm, start, tmp_path / "j", stream=False)
    fake = fails_with("other_d", "Step 7.")
    runner = web.AppRunner(fake.app(), access_log=None)
    try:
        options = ("--live", await listen(runner), "--repeats", "1", "--trials", "3")
        result = await run("minimise", "last", "--journal", tmp_path / "j", *options)
    finally:
        await runner.cleanup()
    assert result.exit_code == 0, result.output
    assert "5 replays; stopped there, it may be smaller still" in result.stderr
    assert len(fake.requests) <= 3 + 1 + 3


async def test_more_than_half_of_the_answers_decide(vllm: FakeVllm, start: Start, tmp_path: Path) -> None:
    before = await recorded(vllm, start, tmp_path, stream=False)
    for answers, wrong in (
        ((EMPTY, GOOD, EMPTY), True),
        ((EMPTY, GOOD, GOOD), False),
        ((GOOD, GOOD), False),
        ((EMPTY, EMPTY), True),
    ):
        vllm.requests.clear()
        vllm.says(*answers, "never asked")
        async with terms_for(settings_for(FileSettings(), upstream=vllm.url), live=True) as terms:
            assert await Live(before, terms, 3)(before["request"]["body"]) is wrong
        assert len(vllm.requests) == len(answers)


async def test_a_model_that_does_well_by_now_is_no_failure(vllm: FakeVllm, start: Start, tmp_path: Path) -> None:
    await recorded(vllm, start, tmp_path, stream=False)
    vllm.says(GOOD)
    result = await run("minimise", "last", "--journal", tmp_path, "--live", vllm.url)
    assert result.exit_code == 1
    assert "it does not fail as it did then any more: mended, engine-parser, call-not-parsed" in result.stderr
    result = await run("minimise", "last", "--journal", tmp_path, "--live", "http://127.0.0.1:9")
    assert result.exit_code == 1
    assert "error, upstream, upstream_unreachable" in result.stderr
