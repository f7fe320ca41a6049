"""`toolmend minimise`: the smallest request with which a turn still fails alike."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Proxy, Start
from tests.fake_vllm import FakeVllm
from tests.proxy.replaying import drift_of
from tests.proxy.turns_kept import BASH, EMPTY, GOOD, OTHERS, history, kept, run


async def test_a_long_request_becomes_the_smallest_that_fails(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path) -> None:
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path / "j"), vllm, stream)
    vllm.says(f"Well.{EMPTY}", GOOD)
    await proxy.ask(messages=history(19), tools=[*OTHERS[:5], BASH, *OTHERS[5:]])
    [before] = await kept(tmp_path / "j")
    out = tmp_path / "small.jsonl"
    result = await run("minimise", "last", "--journal", tmp_path / "j", "--out", out)
    assert result.exit_code == 0, result.output
    print(result.stderr)
    made = json.loads(out.read_text())
    print(json.dumps(made)[:3000])
    assert await drift_of(out) == [()]
