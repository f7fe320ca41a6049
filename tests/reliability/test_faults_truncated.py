"""F14: calls of twenty dialects, cut by a limit at every byte, however the server tells of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import orjson
import pytest

from adapters.registry import DIALECTS
from proxy.demo.speak import Said, tokens
from proxy.profiles import choose, load
from rules.conversation import ToolCall
from tests.fake_vllm import FakeVllm
from tests.reliability.conftest import Begin
from tests.reliability.load import ask

MODELS = (
    *("gemma-4-26b", "qwen3.5-9b", "qwen3-8b", "glm-4.6", "seed-oss-36b", "mistral-small", "deepseek-v3", "deepseek-v3.1"),
    *("deepseek-v3.2", "kimi-k2", "kimi-k3", "gpt-oss-20b", "llama-3.3-70b", "llama-4-scout", "lfm2-8b", "olmo-3-7b"),
    *("granite-3.3-8b", "phi-4-mini", "minimax-m2", "ernie-4.5-21b"),
)
WHOLE = {"command": "rm -rf /srv/build/old", "timeout": 30}
SHORTENED = [{"id": "s1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "rm -rf /srv"}'}}]
"""What vLLM makes of a call that was cut: valid, and not what the model was about to say."""


def written(model: str) -> str:
    """Write the call as a model does."""
    profile = choose(model, load(()))
    return f"Now.\n{DIALECTS[profile.reads[0]].render((ToolCall('', 'bash', WHOLE),))}"


def ways(said: str) -> Iterator[tuple[Said, dict[str, Any]]]:
    """Give all ways to tell of a limit: as it is, and with lies; with the limit in the request, and without."""
    limit = {"max_tokens": len(tokens(said))}
    calls = SHORTENED if "rm -rf /srv" in said else ()
    yield Said(said, finish="length"), limit
    yield Said(said, finish="stop"), limit
    yield Said(said, finish="tool_calls", calls=calls), limit
    yield Said(said, finish="tool_calls", calls=calls), {}


@pytest.mark.row("F14")
@pytest.mark.parametrize("step", [29, pytest.param(1, marks=pytest.mark.slow)])
async def test_no_call_that_was_cut_is_delivered(
    begin: Begin, vllm: FakeVllm, session: aiohttp.ClientSession, reached: Callable[[str], None], step: int
) -> None:
    vllm.says("warm")
    cuts = whole = 0
    async with begin(vllm.url, config=f"[budget]\nasks = {step > 1:d}", live=lambda: vllm.live) as served:
        for model in MODELS:
            text = written(model)
            for cut in range(1 + cuts % step, len(text), step):
                for way, (said, limit) in enumerate(ways(text[:cut])):
                    if step > 1 and way != cuts % 4:
                        continue
                    vllm.says(said)
                    for stream in (False, True):
                        came = await ask(session, served.url, model=model, stream=stream, **limit)
                        assert (came.status, came.error) == (200, ""), (model, text[:cut])
                        whole += delivered(came.calls, (model, text[:cut], said.finish, limit))
                        assert came.finish == "length" or came.calls or not limit, (model, text[:cut], said.finish, limit)
                cuts += 1
    each = 2 if step > 1 else 8
    reached(f"no cut call in {cuts * each:,} answers of {len(MODELS)} dialects ({whole} whole ones whose closing marker was cut)")


def delivered(calls: dict[int, dict[str, str]], what: object) -> bool:
    """Say whether a call was delivered. Only the whole one may be."""
    assert all(orjson.loads(each["arguments"]) == WHOLE for each in calls.values()), what
    return bool(calls)
