"""A small agent that works as OpenHands 0.59 does: the same text protocol, the same checks, the same words of complaint.

Its tools are real: they run commands and edit files in the folder they are given.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

TASK = "The test test_calc.py fails. Find the bug in calc.py, fix it, run the test again, then finish."
FILES = {
    "calc.py": "def add(a, b):\n    return a - b\n",
    "test_calc.py": "from calc import add\n\nassert add(2, 3) == 5, f'add(2, 3) gave {add(2, 3)}'\nprint('1 passed')\n",
}
RISK = {"type": "string", "enum": ["LOW", "MEDIUM", "HIGH"]}
TOOLS: Mapping[str, Mapping[str, Any]] = {
    "execute_bash": {"command": {"type": "string"}, "security_risk": RISK},
    "str_replace_editor": {
        "command": {"type": "string", "enum": ["str_replace"]},
        "path": {"type": "string"},
        "old_str": {"type": "string"},
        "new_str": {"type": "string"},
        "security_risk": RISK,
    },
    "finish": {"message": {"type": "string"}},
}
_FUNCTION = re.compile(r"<function=([^>]+)>\n(.*?)</function>", re.DOTALL)
_PARAMETER = re.compile(r"<parameter=([^>]+)>(.*?)</parameter>", re.DOTALL)
COMMAND_SECONDS = 20
OUTPUT = 2000


class Rejected(Exception):
    """Raised where the model's answer is no valid action; the message is OpenHands' own."""


@dataclass(slots=True)
class Run:
    """How a run went: a line per model turn, and whether the task was finished."""

    lines: list[str] = field(default_factory=list)
    errors: int = 0
    finished: bool = False


def prompt() -> str:
    """Describe the tools as OpenHands does to a model that is not on its list."""
    functions = []
    for number, (name, parameters) in enumerate(TOOLS.items(), 1):
        lines = [f"---- BEGIN FUNCTION #{number}: {name} ----", f"Description: {name}", "Parameters:"]
        for place, (parameter, schema) in enumerate(parameters.items(), 1):
            lines.append(f"  ({place}) {parameter} (string, required): {parameter}")
            if "enum" in schema:
                lines.append(f"Allowed values: [{', '.join(f'`{value}`' for value in schema['enum'])}]")
        functions.append("\n".join([*lines, f"---- END FUNCTION #{number} ----"]))
    listed = "\n\n".join(functions)
    return (
        f"You are an agent that can use a computer.\nYou have access to the following functions:\n\n{listed}\n\n"
        "Call one function a turn in this format, and nothing after it:\n\n"
        "<function=NAME>\n<parameter=KEY>VALUE</parameter>\n</function>\n"
    )


def parse(text: str) -> tuple[str, dict[str, str]] | None:
    """Read an answer as OpenHands does; None where it sees no action."""
    if text.count("<function=") == 1 and "</function>" not in text:
        text += "\n</function>"
    found = _FUNCTION.search(text)
    if found is None:
        return None
    name, body = found.groups()
    if name not in TOOLS:
        raise Rejected(f"Function '{name}' not found in available tools: {list(TOOLS)}")
    given = dict(_PARAMETER.findall(body))
    missing = set(TOOLS[name]) - set(given)
    if missing:
        listed = "{" + ", ".join(repr(each) for each in sorted(missing)) + "}"
        raise Rejected(f"Missing required parameters for function '{name}': {listed}")
    for key, value in given.items():
        allowed = TOOLS[name].get(key, {}).get("enum")
        if allowed and value not in allowed:
            raise Rejected(f"Parameter '{key}' is expected to be one of {allowed}.")
    return name, given


async def execute(name: str, given: Mapping[str, str], folder: Path) -> str:
    """Carry out an action in the folder and return what the model is shown."""
    if name == "str_replace_editor":
        path = folder / given["path"]
        text = path.read_text()
        path.write_text(text.replace(given["old_str"], given["new_str"], 1))
        return f"The file {given['path']} has been edited."
    path_variable = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    process = await asyncio.create_subprocess_shell(
        given["command"],
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PATH": path_variable, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    async with asyncio.timeout(COMMAND_SECONDS):
        output, _ = await process.communicate()
    return output.decode("utf-8", "replace")[-OUTPUT:]


async def work(url: str, model: str, folder: Path, turns: int, tell: Callable[[str], None]) -> Run:
    """Work on the task with the model at `url`, for at most so many turns."""
    for name, text in FILES.items():
        (folder / name).write_text(text)
    run = Run()
    history = [{"role": "system", "content": prompt()}, {"role": "user", "content": TASK}]
    async with aiohttp.ClientSession() as session:
        while not run.finished and len(run.lines) < turns:
            line = await _turn(session, f"{url}/v1/chat/completions", model, history, folder, run)
            run.lines.append(line)
            tell(line)
    return run


async def _turn(  # noqa: PLR0913, PLR0917 - the parts of one loop step
    session: aiohttp.ClientSession, url: str, model: str, history: list[dict[str, str]], folder: Path, run: Run
) -> str:
    body = {"model": model, "messages": history, "temperature": 0.0, "stop": ["</function"]}
    async with session.post(url, json=body) as response:
        answer = await response.json()
        note = response.headers.get("x-toolmend-outcome", "")
        repairs = response.headers.get("x-toolmend-repairs", "")
    text = answer["choices"][0]["message"]["content"] or ""
    mark = f"  [{note}{': ' + repairs if repairs else ''}]" if note else ""
    try:
        action = parse(text)
    except Rejected as error:
        run.errors += 1
        history.append({"role": "user", "content": f"{error}\n[Error occurred in processing last action]"})
        return f"ERROR {error}{mark}"
    if action is None:
        run.errors += 1
        history.append({"role": "user", "content": "Please continue working on the task."})
        return f"ERROR no action in: {text.splitlines()[-1][:60]}{mark}"
    name, given = action
    if name == "finish":
        run.finished = True
        return f"finish: {given['message']}{mark}"
    result = await execute(name, given, folder)
    history.append({"role": "assistant", "content": text})
    history.append({"role": "user", "content": f"EXECUTION RESULT of [{name}]:\n{result}"})
    return f"{name} -> {(result.strip().splitlines() or ['(no output)'])[-1][:60]}{mark}"
