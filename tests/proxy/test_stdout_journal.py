"""`--journal -`: records stand on standard output among the lines of the log, whole, and can be read from there."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner

from proxy.cli import toolmend
from tests.conftest import BASH, MODEL
from tests.fake_vllm import FakeVllm

WORDY = '<|tool_call>call:bash{command:<|"|>ls<|"|>,timeout:<|"|>5<|"|>}<tool_call|>'
TURNS = 60


async def ask(url: str, *, stream: bool) -> None:
    body = {"model": MODEL, "messages": [{"role": "user", "content": "word " * 8_000}], "tools": [BASH], "stream": stream}
    async with aiohttp.ClientSession() as session, session.post(f"{url}/v1/chat/completions", json=body) as answer:
        assert answer.status == 200
        await answer.read()


async def test_a_collector_gets_each_turn_and_each_event_as_a_line(vllm: FakeVllm, tmp_path: Path, stream: bool) -> None:
    vllm.says(WORDY)
    command = [sys.executable, "-m", "proxy", "serve", "--upstream", vllm.url, "--no-probe", "--port", "0", "--journal", "-"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TOOLMEND_")}
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment, limit=1 << 20)
    assert process.stdout
    first = await process.stdout.readline()
    found = re.search(rb'"url": "(http://[^"]+)"', first)
    assert found, first
    rest = asyncio.create_task(process.stdout.read())
    await asyncio.gather(*(ask(found[1].decode(), stream=stream) for _ in range(TURNS)))
    process.send_signal(signal.SIGTERM)
    out = first + await rest
    assert await process.wait() == 0
    lines = [json.loads(line) for line in out.splitlines()]
    told = {each["turn"] for each in lines if each.get("event") == "answered"}
    kept = {each["turn"] for each in lines if "ts" in each and "outcome" in each}
    assert len(told) == TURNS
    assert kept == told
    log = tmp_path / "container.log"
    log.write_bytes(out)
    report = CliRunner().invoke(toolmend, ["report", "--json", "--journal", str(log)])
    assert report.exit_code == 0
    assert json.loads(report.output)["turns"] == TURNS


@pytest.mark.usefixtures("bare")
def test_several_workers_may_not_share_it() -> None:
    result = CliRunner().invoke(toolmend, ["config", "check", "--upstream", "http://h:1", "--journal", "-", "--workers", "2"])
    assert result.exit_code == 2
    assert "standard output (-) with one worker only" in result.output
