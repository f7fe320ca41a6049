"""The demonstration: fails directly, succeeds mended, and says that it is a simulation."""

from __future__ import annotations

import asyncio
import sys

import pytest

from proxy.demo.agent import Rejected, parse


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
