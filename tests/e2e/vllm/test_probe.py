"""What toolmend finds out by asking is what the servers were started with, in at most five requests."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from cases import KINDS, Kind
from conftest import profile
from wire import answers, ask

from proxy.capabilities import Capabilities
from proxy.config_file import read_config
from proxy.probe import REQUESTS, Round
from proxy.profiles import choose, load
from proxy.settings import Settings
from proxy.upstream import Upstream

pytestmark = [
    pytest.mark.e2e_vllm,
    pytest.mark.skipif(os.environ.get("TOOLMEND_E2E_VLLM") != "1", reason="needs TOOLMEND_E2E_VLLM=1"),
    pytest.mark.skipif(os.environ.get("TOOLMEND_E2E_DIRECT") == "1", reason="vLLM alone was asked for"),
]

wanted = os.environ.get("TOOLMEND_E2E_KINDS", ",".join(KINDS)).split(",")
STARTED: dict[str, dict[str, Any]] = {
    # what serve.sh says, and what vLLM 0.32 makes of `strict` under that parser
    "gemma4": {"tool_parser": "gemma4", "reasoning_parser": "<|channel>", "strict": False},
    "qwen": {"tool_parser": "qwen_xml", "reasoning_parser": "<think>", "strict": True},
    "hermes": {"tool_parser": "hermes_json", "reasoning_parser": None, "strict": True},
    "plain": {"tool_parser": "none", "reasoning_parser": None, "strict": None},
}


async def found(url: str, reads: str) -> tuple[Capabilities, Round]:
    upstream = Upstream(Settings(upstream=url))
    try:
        asking = Round(upstream, upstream.headers({}))
        look = await asking.look()
        known, _ = await asking.find("tiny", look.of("tiny"), reads)
        return known, asking
    finally:
        await upstream.close()


@pytest.mark.parametrize("named", ["named", "generic"])
@pytest.mark.parametrize("kind", [KINDS[each] for each in wanted], ids=lambda kind: kind.name)
def test_what_is_found_is_what_runs(kind: Kind, named: str, vllm: str, tmp_path: Any) -> None:
    config = tmp_path / "toolmend.toml"
    config.write_text(profile(kind) if named == "named" else "")
    reads = choose("tiny", load(read_config(config).profile)).reads[0]
    known, asking = asyncio.run(found(vllm, reads))
    print(f"\n{kind.name}, {named}: {REQUESTS - asking.left} requests, {asking.tokens} tokens: {known.fields()}")
    assert asking.left >= 0
    assert asking.tokens < 1500
    assert (known.server, known.version, known.models, known.max_model_len) == ("vllm", "0.32.0", ("tiny",), 8192)
    assert (known.logprobs, known.structural_tag, known.structured_outputs, known.thinking_switch) == (True,) * 4
    expected = dict(STARTED[kind.name])
    if named == "generic":  # a family that nobody named: its format is tried last, and its thoughts are not
        del expected["reasoning_parser"]
    assert {name: getattr(known, name) for name in expected} == expected


@pytest.mark.parametrize("kind", [KINDS[each] for each in wanted], ids=lambda kind: kind.name)
def test_a_toolmend_that_has_asked_is_ready(kind: Kind, toolmend: str) -> None:
    body = {"model": "tiny", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4}
    assert ask(toolmend, body, stream=False).status == 200
    for _ in range(60):  # the questions may still be open
        if answers(toolmend.replace("/v1", "/readyz")):
            return
        asyncio.run(asyncio.sleep(0.5))
    pytest.fail("toolmend does not get ready")
