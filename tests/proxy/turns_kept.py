"""Real turns in a journal: asked through toolmend of a fake vLLM, and the commands that read them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from proxy.cli import toolmend
from proxy.records.read import Skipped, entries, is_turn
from proxy.replay.run import Entry

EMPTY = "<|tool_call>call:bash{}<tool_call|>"
GOOD = '<|tool_call>call:bash{command:<|"|>ls -la<|"|>}<tool_call|>'
AS_TEXT = '<|tool_call>call:bash{command:<|"|>ls<|"|>,timeout:<|"|>5<|"|>}<tool_call|>'


def tool(name: str, *required: str, **properties: Any) -> dict[str, Any]:
    """Declare a tool with a description that no rule reads."""
    described = {key: {**each, "description": f"What {key} is."} for key, each in properties.items()}
    schema = {"type": "object", "properties": described, "required": list(required)}
    return {"type": "function", "function": {"name": name, "description": f"Does {name}.", "parameters": schema}}


TEXT = {"type": "string"}
BASH = tool("bash", "command", command=TEXT, timeout={"type": "integer"})
OTHERS = [tool(f"other_{each}", "path", path=TEXT, depth={"type": "integer"}) for each in "abcdefghij"]


def step(number: int, command: str = "ls") -> list[dict[str, Any]]:
    """Write a call and its result as an agent's history has them."""
    function = {"name": "bash", "arguments": json.dumps({"command": f"{command} {number}"})}
    return [
        {
            "role": "assistant",
            "content": f"Step {number}.",
            "tool_calls": [{"id": f"s{number}", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": f"s{number}", "content": f"result {number}"},
    ]


def history(steps: int) -> list[dict[str, Any]]:
    """Write a conversation that ends in a result."""
    head = [{"role": "system", "content": "You help."}, {"role": "user", "content": "Fix it."}]
    return [*head, *(message for each in range(steps) for message in step(each))]


def turns(folder: Path) -> list[Entry]:
    """Return the turns in a journal."""
    return [each for each in entries([folder], Skipped()) if is_turn(each)] if list(folder.glob("*.jsonl")) else []


async def kept(folder: Path, count: int = 1) -> list[Entry]:
    """Return the turns in a journal, once there are so many."""
    for _ in range(250):
        if len(found := turns(folder)) >= count:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"{count} turns were expected")


async def run(*arguments: str | Path) -> Result:
    """Run a command as its user does, in a thread: it has a loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, toolmend, [str(each) for each in arguments], prog_name="toolmend")


def lines(result: Result) -> list[Any]:
    """Return what was printed, a JSON object a line."""
    return [json.loads(line) for line in result.stdout.splitlines()]
