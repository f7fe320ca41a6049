"""F11 to F13: how often a model server is asked where it fails or its model is always wrong, and what all that is said to cost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from proxy.demo.speak import Said, events, usage
from tests.fake_vllm import FAKE, FakeVllm, sending
from tests.reliability.conftest import Begin
from tests.reliability.hostile import hostile, response
from tests.reliability.load import Came, ask
from tests.reliability.recorded import ASKED, broken, spoken, unframed
from tests.reliability.until import until

Reached = Callable[[str], None]

WARM = unframed(*spoken(Said("warm")))
WRONG = Said("<|tool_call>call:bash{}<tool_call|>")


async def hundred(session: aiohttp.ClientSession, url: str) -> list[Came]:
    """Ask for 100 clients, each of which comes 10 ms after the one before."""

    async def client(at: int) -> Came:
        await asyncio.sleep(at * 0.01)
        return await ask(session, url, stream=bool(at % 2))

    return await asyncio.gather(*(client(at) for at in range(100)))


FAILURES = {
    "500": response(b'{"error": {"message": "died"}}', status="500 Died"),
    "reset": broken(b"", by_reset=True),
    "closed": b"",
    "broken off": broken(unframed(*spoken())[:2_000], by_reset=True),
    "error event": unframed(b'data: {"error": {"message": "died", "code": 500}}\n\n'),
}


@pytest.mark.row("F11")
@pytest.mark.slow
@pytest.mark.parametrize("how", FAILURES)
async def test_a_server_that_fails_always_is_hardly_asked_more(
    begin: Begin, session: aiohttp.ClientSession, reached: Reached, how: str
) -> None:
    async with hostile(WARM) as server, begin(server.url, live=lambda: server.live) as served:
        server.requests.clear()
        server.answers = [FAILURES[how]]
        came = await hundred(session, served.url)
        assert all(each.status >= 500 or each.events[-1]["error"] for each in came)
        asked = len(server.requests)
        assert asked <= 1.2 * 100 + 3
    reached(f"{how}: {asked} questions for 100")


@pytest.mark.row("F11")
@pytest.mark.slow
async def test_where_asking_again_fails_it_is_left_for_a_while(
    begin: Begin, vllm: FakeVllm, session: aiohttp.ClientSession, reached: Reached
) -> None:
    """The first answers are wrong, all later ones fail: five failures in a row, and nothing is asked again for 10 s."""
    vllm.says("warm")

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if len(body["messages"]) > 1:
            return web.json_response({"error": {"message": "died"}}, status=500)
        return await request.app[FAKE]._stream(request, WRONG, body)

    async with begin(vllm.url, live=lambda: vllm.live) as served:
        vllm.requests.clear()
        vllm.says(answer)
        came = await hundred(session, served.url)
        assert [each.status for each in came] == [200] * 100
        asked = len(vllm.requests)
        assert asked <= 1.2 * 100 + 3
    reached(f"second questions fail: {asked} questions for 100")


@dataclass
class Counting:
    """A model that is always wrong, and takes its time. `peak`: most second questions at once."""

    again: int = 0
    peak: int = 0

    async def answer(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        second = len(body["messages"]) > 1
        self.again += second
        self.peak = max(self.peak, self.again)
        try:
            return await request.app[FAKE]._stream(request, WRONG, body)
        finally:
            self.again -= second


@pytest.mark.row("F12")
@pytest.mark.slow
async def test_a_model_that_is_always_wrong_is_asked_within_bounds(
    begin: Begin, vllm: FakeVllm, session: aiohttp.ClientSession, reached: Reached
) -> None:
    vllm.says("warm")
    async with begin(vllm.url, live=lambda: vllm.live) as served:
        vllm.requests.clear()
        vllm.pause, counting = 0.02, Counting()
        vllm.says(counting.answer)
        came = await hundred(session, served.url)
        assert [(each.status, each.calls) for each in came] == [(200, {0: {"name": "bash", "arguments": "{}"}})] * 100
        marked = {each.headers.get("x-toolmend-outcome") for each in came if each.whole}
        assert marked == {"failed-open"}
        asked = len(vllm.requests)
        assert 100 < asked <= 300
        assert counting.peak <= max(3, 100 // 5)
    reached(f"{asked} questions for 100 turns, at most {counting.peak} second ones at once")


@pytest.mark.row("F13")
async def test_the_tokens_of_three_questions_are_summed_and_told_apart(
    begin: Begin, vllm: FakeVllm, session: aiohttp.ClientSession, reached: Reached, journal: Path
) -> None:
    vllm.says("warm")
    said = [Said(WRONG.raw, prompt_tokens=10), Said(f" {WRONG.raw}", prompt_tokens=20), Said("I cannot.", prompt_tokens=30)]
    cost = [usage(each) for each in said]
    half = b"".join(list(events(said[1], ASKED))[:4])
    config = '[[profile]]\nname = "gemma-4"\ngrammar = false'
    async with begin(vllm.url, "--journal", str(journal), config=config, live=lambda: vllm.live) as served:
        for number, stream in enumerate((False, True)):
            vllm.says(*said)
            came = await ask(session, served.url, stream=stream, stream_options={"include_usage": True} if stream else None)
            (told,) = [each["usage"] for each in (*came.whole, *came.events) if each.get("usage")]
            names = ("prompt_tokens", "completion_tokens", "total_tokens")
            assert [told[name] for name in names] == [sum(each[name] for each in cost) for name in names]
            assert told["prompt_tokens"] == 60
            await until(lambda number=number: len(served.records()) > 2 * number)  # type: ignore[misc]
            record = served.records()[-1]
            assert [each["usage"]["total"] for each in record["attempts"]] == [each["total_tokens"] for each in cost]
            assert record["usage"]["extra"] == cost[1]["total_tokens"] + cost[2]["total_tokens"]

            vllm.says(said[0], sending(half, cut=True), said[2])
            await ask(session, served.url, stream=stream)
            await until(lambda number=number: len(served.records()) > 2 * number + 1)  # type: ignore[misc]
            broke = served.records()[-1]
            assert [each["usage"]["completion"] for each in broke["attempts"]] == [cost[0]["completion_tokens"], 3]
    reached("10 + 20 + 30 told as 60 and each by itself; of one that broke off what had come")
