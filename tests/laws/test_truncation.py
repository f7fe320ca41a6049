"""The law of limits: whatever character a limit cuts an answer at, no call that was cut is delivered, and the answer says so."""

from __future__ import annotations

import aiohttp
import pytest

from proxy.demo.speak import Said, tokens
from proxy.settings import Budget
from tests.conftest import BASH, Proxy, Start
from tests.fake_vllm import FakeVllm

COMMAND = "rm -rf /srv/build/old"
PROSE = "I only talk about it now. "
GEMMA = f'Now.\n<|tool_call>call:bash{{command:<|"|>{COMMAND}<|"|>,timeout:30}}<tool_call|>'
QWEN = f"<tool_call>\n<function=bash>\n<parameter=command>\n{COMMAND}\n</parameter>\n<parameter=timeout>\n30\n</parameter>\n</function>\n</tool_call>"
HERMES = f'<tool_call>\n{{"name": "bash", "arguments": {{"command": "{COMMAND}", "timeout": 30}}}}\n</tool_call>'
SAID = {"gemma-4-26b": GEMMA, "qwen3.5-9b": QWEN, "qwen3-8b": HERMES}
SHORTENED = [{"id": "s1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "rm -rf /srv"}'}}]
"""What vLLM makes of a call that was cut: valid, and not what the model was about to say."""


@pytest.mark.parametrize("again", ["never", "the same", "prose"])
@pytest.mark.parametrize("model", SAID)
async def test_no_call_that_was_cut_is_delivered(vllm: FakeVllm, start: Start, stream: bool, model: str, again: str) -> None:
    text = SAID[model]
    url = await start(upstream=vllm.url, budget=Budget(asks=0 if again == "never" else 1))
    async with aiohttp.ClientSession() as session:
        for cut in range(1, len(text)):
            said, limit = text[:cut], len(tokens(text[:cut]))
            later = PROSE * (limit // 6 + 1) if again == "prose" else said
            body = {"model": model, "messages": [{"role": "user", "content": "go"}], "tools": [BASH]}
            for finish in ("length", "tool_calls"):  # vLLM says either
                vllm.says(Said(said, finish=finish, calls=SHORTENED), Said(later, finish="length", calls=SHORTENED))
                asked = {**body, "max_tokens": limit, "stream": stream}
                async with session.post(f"{url}/v1/chat/completions", json=asked) as response:
                    answer = await response.read()
                assert b"tool_calls" not in answer, said
                assert b'"finish_reason":"length"' in answer.replace(b": ", b":"), said


@pytest.mark.parametrize("model", SAID)
async def test_a_call_that_ended_before_the_limit_is_delivered(vllm: FakeVllm, start: Start, stream: bool, model: str) -> None:
    proxy = Proxy(await start(upstream=vllm.url), vllm, stream)
    vllm.says(Said(SAID[model]))
    seen = await proxy.ask(model=model, tools=[BASH], max_tokens=len(tokens(SAID[model])) + 2)
    assert seen.calls == [("bash", {"command": COMMAND, "timeout": 30})]
    assert seen.finish == "tool_calls"
