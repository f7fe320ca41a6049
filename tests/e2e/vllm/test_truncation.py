"""Answers that a limit cuts, at every single token: no call that was cut reaches a client, and every answer says that it was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from cases import KINDS, Kind
from conftest import served
from cutting import PROSE, Cuts, CutTable, Script, scripts
from wire import ask, tokens

pytestmark = [
    pytest.mark.e2e_vllm,
    pytest.mark.skipif(os.environ.get("TOOLMEND_E2E_VLLM") != "1", reason="needs TOOLMEND_E2E_VLLM=1"),
    pytest.mark.skipif(os.environ.get("TOOLMEND_E2E_DIRECT") == "1", reason="vLLM alone was asked for"),
]
wanted = os.environ.get("TOOLMEND_E2E_KINDS", ",".join(KINDS)).split(",")
AT_ONCE = 4
NO_ASKS = "[budget]\nasks = 0\n"


@pytest.fixture
def unasking(kind: Kind, vllm: str, tmp_path: Path) -> Iterator[str]:
    """Give the URL of a toolmend that never asks again."""
    with ExitStack() as up:
        yield up.enter_context(served(kind, vllm, tmp_path, NO_ASKS))


@pytest.mark.parametrize("kind", [KINDS[each] for each in wanted], ids=lambda kind: kind.name)
def test_no_call_that_was_cut_is_delivered(kind: Kind, vllm: str, toolmend: str, unasking: str, cuts: CutTable) -> None:
    points = [(script, limit) for script in scripts(kind) for limit in range(1, tokens(vllm, script.text) + 1)]
    for way in ("whole", "stream"):
        found = cuts.setdefault((kind.name, way), Cuts())

        def play(point: tuple[Script, int], stream: bool = way == "stream", found: Cuts = found) -> None:
            script, limit = point
            body = script.body(limit)
            alone = ask(vllm, body | {"logprobs": True}, stream=stream)
            refused = alone.status != 200  # no parser flags: but not with tool_choice "none"
            raw = ask(vllm, body | {"logprobs": True, "tool_choice": "none"}, stream=stream).raw if refused else alone.raw
            assert raw is not None
            assert script.text.startswith(raw)
            found.alone(script, raw, alone)
            for url, asked in ((toolmend, body), (unasking, body), (toolmend, script.body(limit, PROSE))):
                found.through(script, raw, ask(url, asked, stream=stream))

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(play, points))
        assert not found.wrong, found.wrong[:5]


@pytest.mark.parametrize("way", ["whole", "stream"])
@pytest.mark.parametrize("kind", [KINDS[each] for each in wanted], ids=lambda kind: kind.name)
def test_a_call_that_just_fits_is_delivered(kind: Kind, vllm: str, toolmend: str, way: str) -> None:
    for script in scripts(kind):
        answer = ask(toolmend, script.body(tokens(vllm, script.text) + 2), stream=way == "stream")
        assert [name for name, _ in answer.calls] == [call["name"] for call in script.calls]
        assert answer.finish == "tool_calls"
