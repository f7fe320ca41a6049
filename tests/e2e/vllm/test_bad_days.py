"""A vLLM whose first structured request chose the wrong backend, and one whose engine dies: the best honest answer, within the budget."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

import pytest
from cases import KINDS
from conftest import Fresh
from test_ladder import asked, journaled
from toolsets import TOOLSETS
from wire import ask, post

pytestmark = [
    pytest.mark.e2e_vllm,
    pytest.mark.skipif(os.environ.get("TOOLMEND_E2E_VLLM") != "1", reason="needs TOOLMEND_E2E_VLLM=1"),
    pytest.mark.skipif(os.environ.get("TOOLMEND_E2E_DIRECT") == "1", reason="vLLM alone was asked for"),
]

GEMMA = KINDS["gemma4"]
TOOLS = {"choice": TOOLSETS["shapes"]["choice"]}
RIGHT = {"level": "mid", "on": True}


def body(about: str) -> dict[str, Any]:
    """Ask for a call that lacks an argument at first, and is right when it is asked for in words."""
    return asked(GEMMA, TOOLS, [GEMMA.write("choice", {"level": "mid"}), GEMMA.write("choice", RIGHT)], about)


@pytest.mark.parametrize("way", ["whole", "stream"])
def test_1_a_server_that_has_chosen_the_wrong_backend_is_asked_in_words(fresh: Fresh, way: str) -> None:
    """The first request of the server needs guidance; from then on every structural tag is an error (vllm#55152)."""
    odd = {"type": "object", "properties": {"n": {"type": "integer", "multipleOf": 7}}, "required": ["n"]}
    form = {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": odd}}}
    status, _, text = post(f"{fresh.vllm}/chat/completions", {"model": "tiny", "messages": [], "max_tokens": 20, **form})
    assert status == 200, text
    answer = ask(fresh.toolmend, body(way), stream=way == "stream")
    assert [(name, json.loads(arguments)) for name, arguments in answer.calls] == [("choice", RIGHT)]
    record = journaled(fresh.journal, answer.headers["x-toolmend-turn"])
    assert (record["outcome"], record["attempts"][-1]["rung"]) == ("asked-again", "words")


@pytest.mark.parametrize("way", ["whole", "stream"])
def test_2_an_engine_that_died_is_told_as_an_error(fresh: Fresh, way: str) -> None:
    for pid in engines(fresh.vllm):
        os.kill(pid, signal.SIGKILL)
    time.sleep(1)
    started = time.monotonic()
    answer = ask(fresh.toolmend, body(way), stream=way == "stream")
    assert answer.status in (500, 502, 503, 504), answer
    assert json.loads(answer.error or "")["error"]["message"]
    assert not answer.calls
    assert time.monotonic() - started < 60


def engines(url: str) -> list[int]:
    """Return the engine processes of the server at a URL: of all processes, those whose ancestor listens on its port."""
    port = url.rsplit(":", 1)[1].removesuffix("/v1")
    parents, words = {}, {}
    for each in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{each}/stat") as stat, open(f"/proc/{each}/cmdline") as line:
                parents[int(each)] = int(stat.read().rsplit(")", 1)[1].split()[1])
                words[int(each)] = line.read().split("\0")
        except OSError:
            continue
    server = next(pid for pid, said in words.items() if "vllm.entrypoints.openai.api_server" in said and port in said)
    return [pid for pid, parent in parents.items() if parent == server]
