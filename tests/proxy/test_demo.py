"""The demonstration: fails directly, succeeds mended, and says that it is a simulation."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from proxy.demo.agent import FILES, Rejected, execute, parse
from proxy.demo.model import MODEL
from proxy.demo.run import listening, model_runner
from proxy.serve import make_runner
from proxy.settings import Settings
from tests.conftest import Proxy
from tests.fake_vllm import FakeVllm


async def test_the_demo_tells_the_story() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proxy", "demo", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output = (await process.communicate())[0].decode()
    assert process.returncode == 0, output
    assert "SIMULATION" in output
    direct, mended = output.split("side by side")[1].strip().splitlines()[1:3]
    assert direct.split()[-1] == "no"
    assert mended.split()[-1] == "yes"
    assert "Missing required parameters for function 'execute_bash': {'security_risk'}" in output


def test_the_agent_checks_as_openhands_does() -> None:
    call = "<function=execute_bash>\n<parameter=command>ls</parameter>\n<parameter=security_risk>LOW</parameter>\n</function>"
    assert parse(call) == ("execute_bash", {"command": "ls", "security_risk": "LOW"})
    assert parse("Just words.") is None
    for wrong in (call.replace("LOW", "low"), call.replace("execute_bash", "bash"), "<function=finish>\n</function>"):
        with pytest.raises(Rejected):
            parse(wrong)


SHELL = {
    "type": "function",
    "function": {"name": "bash", "parameters": {"type": "object", "properties": {"command": {"type": "string"}}}},
}


@pytest.mark.parametrize("ends", [True, False])
async def test_it_works_with_the_shell_of_another_client(tmp_path: Path, stream: bool, ends: bool) -> None:
    (tmp_path / "calc.py").write_text(FILES["calc.py"])
    (tmp_path / "test_calc.py").write_text(FILES["test_calc.py"])
    shell = json.loads(json.dumps(SHELL))
    shell["function"]["parameters"]["required"] = ["command"]
    task = "Fix calc.py." + (" Then run `echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT`." if ends else "")
    messages: list[dict[str, Any]] = [{"role": "user", "content": task}]
    outcomes = []
    async with listening(model_runner()) as model, listening(make_runner(Settings(upstream=model, probe=False))) as url:
        proxy = Proxy(url, FakeVllm(), stream)
        for _ in range(5):
            seen = await proxy.ask(messages=messages, tools=[shell], model=MODEL)
            outcomes.append(seen.headers.get("x-toolmend-outcome"))
            if not seen.calls:
                break
            (name, given), (call_id,) = seen.calls[0], seen.ids
            assert name == "bash"
            if "COMPLETE_TASK" in given["command"]:
                break
            result = await execute("bash", given, tmp_path)
            function = {"name": name, "arguments": json.dumps(given)}
            messages.append({"role": "assistant", "tool_calls": [{"id": call_id, "type": "function", "function": function}]})
            messages.append({"role": "tool", "tool_call_id": call_id, "content": result})
    assert "return a + b" in (tmp_path / "calc.py").read_text()
    assert messages[-1]["content"].strip() == "1 passed"
    assert len(outcomes) == 4
    assert bool(seen.calls) is ends
