"""H13: what schemathesis draws from docs/openapi.json, right and wrong, is answered as that document says."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from tests.fake_vllm import FakeVllm
from tests.reliability.stand import ROOT, Toolmend

Say = Callable[[str], None]

DOCUMENT: Final = ROOT / "docs" / "openapi.json"
CASES: Final = 2_000
EACH: Final = 120
"""Cases drawn for one route; with those that schemathesis makes by itself they are more than 2,000."""


def strict(document: dict[str, Any]) -> dict[str, Any]:
    """Leave out what other servers may answer: this model server is healthy, so every status is ours, and 5xx is a fault."""
    for item in document["paths"].values():
        for method in item.keys() - {"servers"}:
            answers = item[method]["responses"]
            item[method]["responses"] = {status: each for status, each in answers.items() if status.isdigit() and status < "500"}
    return document


@pytest.mark.slow
@pytest.mark.row("H13")
@pytest.mark.parametrize("prefix", ["", "/openhands"])
async def test_answers_are_as_the_document_says(
    served: Toolmend, vllm: FakeVllm, reached: Say, tmp_path: Path, prefix: str
) -> None:
    if importlib.util.find_spec("schemathesis") is None:
        pytest.skip("schemathesis is not installed (make e2e-openapi does that)")
    vllm.says('<|tool_call>call:bash{command:<|"|>ls<|"|>}<tool_call|>')
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(strict(json.loads(DOCUMENT.read_text("utf-8")))))
    words = ["run", str(file), "--url", served.url + prefix, "--checks", "all", "--max-examples", str(EACH), "--seed", "13"]
    if prefix:
        words += ["--exclude-path", "/healthz", "--exclude-path", "/readyz"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", *words, "--phases", "examples,coverage,fuzzing"),
        cwd=tmp_path,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await process.communicate())[0].decode("utf-8", "replace")
    assert process.returncode == 0, said[-8000:]
    cases = int(re.findall(r"(\d+) generated", said.replace(",", ""))[-1])
    assert cases > CASES / 2, said[-2000:]
    reached(f"{cases:,} cases of schemathesis below {prefix or '/'}, 0 as the document does not say")
