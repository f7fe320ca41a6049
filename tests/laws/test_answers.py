"""The laws of answers: incomplete never looks complete, and what is not understood passes byte for byte."""

from __future__ import annotations

import io
import random
from typing import Any

import aiohttp
import orjson

from proxy.demo.speak import Said, events
from tests.conftest import BASH, MODEL, Start
from tests.fake_vllm import FakeVllm, sending

CALL = '<|tool_call>call:bash{command:<|"|>rm -rf /workspace/build<|"|>}<tool_call|>'
ASK: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "go"}], "tools": [BASH]}


async def post(session: aiohttp.ClientSession, url: str, body: dict[str, Any]) -> tuple[int, bytes]:
    async with session.post(f"{url}/v1/chat/completions", json=body) as response:
        return response.status, await response.read()


async def test_an_incomplete_answer_never_looks_complete(vllm: FakeVllm, start: Start) -> None:
    """Cut the model server's stream at many places: the client gets an error, or all of it, and never half a call."""
    asked = {**ASK, "stream": True, "logprobs": True, "stream_options": {"include_usage": True}}
    whole = b"".join(events(Said(f"I clean up.\n{CALL}"), asked))
    finished = whole.index(b'"finish_reason":"stop"') + len(b'"finish_reason":"stop"')
    url = await start(upstream=vllm.url)
    cuts = [*range(1, len(whole), 67), finished - 1, finished + 40, len(whole) - 16, len(whole) - 1]
    async with aiohttp.ClientSession() as session:
        for cut in cuts:
            for reset in (False, True):
                vllm.says(sending(whole[:cut], cut=reset))
                status, plain = await post(session, url, ASK)
                _, streamed = await post(session, url, {**ASK, "stream": True})
                if b"tool_calls" in streamed:
                    assert cut > finished, cut
                    assert b"rm -rf /workspace/build" in streamed
                    assert streamed.endswith(b"data: [DONE]\n\n")
                else:
                    assert b'"error"' in streamed, cut
                    assert b"[DONE]" not in streamed
                assert status == (200 if cut > finished and b"tool_calls" in plain else 502)
                assert (b"tool_calls" in plain) <= (b"rm -rf /workspace/build" in plain)


async def test_what_is_not_understood_passes_byte_for_byte(vllm: FakeVllm, start: Start) -> None:
    """Whatever a server answers to what is not ours to mend reaches the client as it is."""
    url = await start(upstream=vllm.url)
    chance = random.Random(7)
    async with aiohttp.ClientSession() as session:
        for size in (0, 1, 100, 70_000):
            data = chance.randbytes(size)
            vllm.says(sending(data))
            _, through = await post(session, url, {"model": MODEL, "messages": [], "stream": True, "x": 2**70})
            assert through == data
            async with session.post(
                f"{url}/v1/responses", data=io.BytesIO(data), headers={"Content-Type": "application/json"}
            ) as response:
                assert await response.read() == data


async def test_members_that_are_not_ours_reach_the_model_as_they_came(vllm: FakeVllm, start: Start) -> None:
    url = await start(upstream=vllm.url)
    vllm.says("fine")
    odd = b'"vllm_xargs":{"big":123456789012345678901234567890,"f":1.10,"e":1e-400,"u":"\\u00e9"}'
    body = orjson.dumps(ASK)[:-1] + b"," + odd + b"}"
    async with aiohttp.ClientSession() as session:
        async with session.post(
            f"{url}/v1/chat/completions", data=body, headers={"Content-Type": "application/json"}
        ) as response:
            assert response.status == 200
    assert odd in vllm.bodies[0]
    assert b'"messages":[{"role":"user","content":"go"}]' in vllm.bodies[0]
