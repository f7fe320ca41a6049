"""docs/export.md shows what the commands print for a simulated turn, to the letter."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Proxy, Start
from tests.fake_vllm import FakeVllm
from tests.proxy.turns_kept import kept, run

PAGE = Path(__file__).parents[3] / "docs" / "export.md"
TURN = "0123456789abcdef"
"""Stands for the turn's id, which is another each time."""

SHOWN = re.compile(
    r"^    \$ toolmend (?P<command>[^\n#]*?)(?: +#[^\n]*)?\n(?P<output>(?:    [^\n]*\n|\n(?=    ))*)", re.MULTILINE
)
TEXT = {"type": "string"}


def tool(name: str, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)[:1]}
    return {"type": "function", "function": {"name": name, "description": f"Runs {name}.", "parameters": schema}}


ASKED: dict[str, Any] = {
    "messages": [{"role": "system", "content": "You help."}, {"role": "user", "content": "What is here?"}],
    "tools": [tool("read", path=TEXT), tool("bash", command=TEXT, timeout={"type": "integer"})],
}
SAID = ("I look.\n<|tool_call>call:bash{}<tool_call|>", '<|tool_call>call:bash{command:<|"|>ls<|"|>}<tool_call|>')


async def test_the_page_shows_what_is_printed(
    vllm: FakeVllm, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOOLMEND_JOURNAL", raising=False)
    monkeypatch.chdir(tmp_path)
    vllm.says(*SAID)
    await Proxy(await start(upstream=vllm.url, journal=tmp_path / "journal"), vllm, stream=True).ask(**ASKED)
    [entry] = await kept(tmp_path / "journal")
    shown = [(found["command"], found["output"]) for found in SHOWN.finditer(PAGE.read_text("utf-8"))]
    assert [command.split()[0] for command, _ in shown] == ["minimise", "example", *["export"] * 5]
    for command, output in shown:
        result = await run(*command.replace(TURN, str(entry["turn"])).split())
        printed = (result.stderr if command.startswith("minimise") else result.output).replace(str(entry["turn"]), TURN)
        assert "".join(line.removeprefix("    ") for line in output.splitlines(keepends=True)) == printed, command
