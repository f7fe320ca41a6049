"""Answers without end: cut at once, asked again in another way, told honestly; whole and streamed."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from proxy.demo.speak import Said, logprob, tokens, whole
from proxy.settings import Budget
from tests.conftest import BASH, MODEL, Proxy, Start
from tests.fake_vllm import FAKE, Answer, FakeVllm, refusing
from tests.proxy.test_exchange import written

GOOD = '<|tool_call>call:bash{command:<|"|>ls -la<|"|>}<tool_call|>'
OPEN = '<|tool_call>call:bash{command:<|"|>echo '
FLOODS = ["<pad>", "<unused49>", "<|im_end|>", "<|tool_call>", '<|"|>', "[UNUSED_7]", "<tool_call>"]


def on_and_on(*tokens: str, start: Iterable[str] = (), exact: bool = True, group: int = 1) -> Answer:
    """Say the same tokens until the connection is closed, as a server does whose model has lost its end token.

    exact  log-probabilities are given where they are asked for
    group  tokens in one event
    """

    async def answer(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
        server = request.app[FAKE]
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        every = itertools.chain(start, itertools.cycle(tokens))
        server.live += 1
        try:
            while True:
                some = list(itertools.islice(every, group))
                await response.write(event_of(some, exact=exact and bool(asked.get("logprobs"))))
                await asyncio.sleep(0)
        except (asyncio.CancelledError, ConnectionError):
            server.aborted += 1
            raise
        finally:
            server.live -= 1

    return answer


def event_of(some: list[str], *, exact: bool) -> bytes:
    text = "".join(some)
    choice: dict[str, Any] = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    if exact:
        choice["logprobs"] = {"content": [logprob(each)["content"][0] for each in some]}
    return b"data: " + json.dumps({"id": "c1", "model": MODEL, "choices": [choice]}).encode() + b"\n\n"


@pytest.mark.parametrize("mark", FLOODS)
async def test_one_special_token_for_ever_is_cut_within_64(proxy: Proxy, mark: str) -> None:
    proxy.vllm.says(on_and_on(mark, start=["Well", ", "]), GOOD)
    seen = await proxy.ask(tools=[BASH])
    assert (seen.calls, seen.finish) == ([("bash", {"command": "ls -la"})], "tool_calls")
    assert (proxy.vllm.live, proxy.vllm.aborted) == (0, 1)
    assert 48 < seen.usage.completion_tokens - len(tokens(GOOD)) <= 64


@pytest.mark.parametrize("group", [1, 5, 200])
async def test_what_is_cut_is_written_down(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path, group: int) -> None:
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path), vllm, stream)
    vllm.says(on_and_on("<pad>", start=["Well."], group=group), GOOD)
    await proxy.ask(tools=[BASH])
    record = await written(tmp_path)
    assert (record["outcome"], record["class"], record["reason"]) == ("asked-again", "model-degenerate", "special-token-flood")
    first, second = record["attempts"]
    assert (first["problem"], first["ending"]) == ("special-token-flood", "cut")
    assert first["repeated"] == {"chars": 48 * len("<pad>"), "tokens": 48}
    assert first["usage"]["completion"] <= max(64, 2 * group)
    assert second["repeated"] == {"chars": 0, "tokens": 0}
    assert record["usage"]["extra"] > 0


CASES: dict[str, tuple[Answer, str]] = {
    "a word": (on_and_on(" na", start=["Well."]), "repeated-token"),
    "a sentence": (on_and_on("I ", "will ", "look ", "again. ", start=["Well. "]), "repeated-cycle"),
    "a line": (on_and_on("I ", "will ", "look ", "again.\n", start=["Well.\n"]), "repeated-lines"),
    "blanks": (on_and_on("\n", "  ", start=["Well."]), "endless-whitespace"),
    "a thought": (on_and_on("Wait, ", "let ", "me ", "see. ", start=["<|channel>", "thought\n"]), "repeated-cycle"),
    "text without tokens": (on_and_on("I ", "will ", "look ", "again. ", start=["Well. "], exact=False), "repeated-cycle"),
    "blanks in a call": (on_and_on(" ", "\n", start=[OPEN]), "endless-whitespace"),
    "zeros in a call": (on_and_on("0", start=[OPEN]), "repeated-token"),
}


@pytest.mark.parametrize("name", CASES)
async def test_what_has_no_end_is_asked_again_in_another_way(
    vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path, name: str
) -> None:
    answer, reason = CASES[name]
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path), vllm, stream)
    vllm.says(answer, GOOD)
    seen = await proxy.ask(tools=[BASH])
    assert (seen.calls, seen.finish) == ([("bash", {"command": "ls -la"})], "tool_calls")
    assert (vllm.live, vllm.aborted) == (0, 1)
    again = vllm.requests[1]
    assert again["repetition_penalty"] > 1
    assert again["repetition_detection"]["max_pattern_size"] == 64
    assert again["temperature"] > 0
    *_, attempt, advice = again["messages"]
    assert len(attempt["content"]) < 500
    assert "without end" in advice["content"]
    assert (await written(tmp_path))["reason"] == reason


@pytest.mark.parametrize("name", CASES)
async def test_what_never_ends_is_told_honestly(vllm: FakeVllm, start: Start, stream: bool, name: str) -> None:
    proxy = Proxy(await start(upstream=vllm.url, budget=Budget(asks=1)), vllm, stream)
    vllm.says(CASES[name][0])
    seen = await proxy.ask(tools=[BASH])
    assert (seen.calls, seen.finish) == ([], "length")
    assert seen.text.strip()
    assert vllm.aborted == 2
    assert len(seen.text) < (12_000 if stream else 400)


async def test_a_whole_call_of_an_answer_without_end_is_not_run(vllm: FakeVllm, start: Start, stream: bool) -> None:
    proxy = Proxy(await start(upstream=vllm.url, budget=Budget(asks=1)), vllm, stream)
    vllm.says(on_and_on("<pad>", start=[GOOD]))
    seen = await proxy.ask(tools=[BASH])
    assert (seen.calls, seen.finish) == ([], "length")
    assert "not executed" in seen.text


async def test_a_whole_answer_is_judged_as_a_stream_is(vllm: FakeVllm, start: Start, stream: bool) -> None:
    proxy = Proxy(await start(upstream=vllm.url), vllm, stream)

    async def answer(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
        return web.json_response(whole(Said("Well. " + "I will look again. " * 3000, finish="length"), {}))

    vllm.says(answer, GOOD)
    seen = await proxy.ask(tools=[BASH])
    assert seen.calls == [("bash", {"command": "ls -la"})]
    assert len(seen.text) < 100


async def test_repetition_that_the_server_cut_is_asked_again(proxy: Proxy) -> None:
    proxy.vllm.says(Said("ab ab ab ab ab", finish="repetition", stop_reason="repetition_detected"), GOOD)
    seen = await proxy.ask(tools=[BASH])
    assert seen.calls == [("bash", {"command": "ls -la"})]
    assert proxy.vllm.aborted == 0


def complaint(member: str) -> bytes:
    return f'{{"error": {{"message": "Unrecognized request argument supplied: {member}", "code": 400}}}}'.encode()


async def test_a_server_that_refuses_what_calms_is_asked_without(proxy: Proxy) -> None:
    refusals = [refusing(400, complaint("repetition_penalty")), refusing(400, complaint("repetition_detection"))]
    proxy.vllm.says(on_and_on("<pad>"), *refusals, GOOD)
    assert (await proxy.ask(tools=[BASH])).calls == [("bash", {"command": "ls -la"})]
    assert not {"repetition_penalty", "repetition_detection"} & proxy.vllm.requests[-1].keys()
    proxy.vllm.says(on_and_on("<pad>"), GOOD)
    assert (await proxy.ask(tools=[BASH])).calls
    assert not {"repetition_penalty", "repetition_detection"} & proxy.vllm.requests[-1].keys()


async def test_other_problems_leave_the_penalties_alone(proxy: Proxy) -> None:
    proxy.vllm.says("<|tool_call>call:bash{}<tool_call|>", GOOD)
    await proxy.ask(tools=[BASH])
    assert not {"repetition_penalty", "repetition_detection"} & proxy.vllm.requests[-1].keys()


async def test_a_long_dull_file_is_written(proxy: Proxy) -> None:
    for text in ("0, " * 2000, " " * 2000 + "x", "-" * 2000):
        proxy.vllm.says(f'<|tool_call>call:bash{{command:<|"|>{text}<|"|>}}<tool_call|>')
        assert (await proxy.ask(tools=[BASH])).calls == [("bash", {"command": text})]
        assert len(proxy.vllm.requests) == 1
        proxy.vllm.requests.clear()


async def test_arguments_that_only_the_server_has_read_are_watched_too(proxy: Proxy) -> None:
    function = {"name": "bash", "arguments": '{"command": "ls",' + "\n" * 9000}
    proxy.vllm.says(Said(calls=[{"id": "s", "type": "function", "function": function}]), GOOD)
    seen = await proxy.ask(tools=[BASH])
    assert seen.calls == [("bash", {"command": "ls -la"})]
    assert len(proxy.vllm.requests) == 2
