"""AN IMITATION of SWE-agent 1.1.0, written from what it was seen to send and to do. It is not SWE-agent.

SWE-agent 1.1.0 is on no package registry (PyPI's `sweagent` is 0.0.1 of April 2024: no tool calls, and docker only). So
that its modes are driven over the wire all the same, this plays what matters to a proxy: the requests of each mode, how an
answer is read (swe_agent_reading.py), what comes back, three attempts at a readable answer within a step, and the review
behind the first `submit` of the default configuration. Prompts and messages are our words; the shell keeps no session.
"""

import asyncio
import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from .model import NAME
from .modes import Mode
from .outcome import Ending
from .process import Place
from .swe_agent_reading import READERS, TOOLS, Aborts, Action, Unreadable

MAX_STEPS = 12
MAX_REQUERIES = 3
COMMAND_LIMIT = 30.0
REQUEST_LIMIT = aiohttp.ClientTimeout(total=60)

_DEFAULT = (
    "You help with a computer's tasks.",
    "<uploaded_files>\n{path}\n</uploaded_files>\nThe repository there is described by this:\n\n<pr_description>\n{task}\n"
    "</pr_description>\n\nMake the smallest changes that satisfy the <pr_description>; tests are taken care of.",
)
_OLDER = (
    "SETTING: you work in a command line.\n\nCOMMANDS:\nbash:\n  docstring: runs the given command directly in bash\n"
    "  signature: <command>\n  arguments:\n    - command (string) [required]: what to run\n\n"
    "submit:\n  docstring: submits the current file\n  signature: submit\n\n"
    "RESPONSE FORMAT: the prompt is (Open file: <path>)\n(Current directory: <cwd>)\nbash-$\n"
    "First say what you do, then give one command:\n{example}",
    "ISSUE:\n{task}\n\nSolve it by yourself, one command at a time; run submit at the end.\n(Open file: n/a)\n"
    "(Current directory: {path})\nbash-$",
)
_EXAMPLES = {"swe-thought-action": "```\nls -a\n```", "swe-xml-thought-action": "<command>\nls -a\n</command>"}
_REVIEW = "Thank you. Please review your changes, then run the submit command again to confirm.\n\n<diff>\n{diff}\n</diff>"


@dataclass(slots=True)
class _Agent:
    """One run: where it is, what was said, what it makes of it."""

    mode: Mode
    url: str
    place: Place
    session: aiohttp.ClientSession
    history: list[dict[str, Any]] = field(default_factory=list)
    submits: int = 0

    @property
    def older(self) -> bool:
        """Tell whether it is a configuration of 0.7: plain strings, and one `submit` is enough."""
        return self.mode.settings == ("0.7",)

    async def run(self, task: str) -> Ending:
        """Work until the work is handed in, or cannot go on."""
        system, user = _OLDER if self.older else _DEFAULT
        words = {"path": self.place.repository, "task": task, "example": _EXAMPLES.get(self.mode.id, "")}
        self.history.append({"role": "system", "content": system.format(**words)})
        self._say("user", user.format(**words))
        for _ in range(MAX_STEPS):
            try:
                message, action = await self._step()
            except Unreadable:
                return self._ending("submitted (exit_format)")
            except Aborts as why:
                return self._ending(f"submitted (exit_error: {why})")
            if action.command.strip() == "submit" and self._submits():
                return self._ending("submitted")
            self._remember(message, action, await self._run_command(action.command))
        return self._ending("unfinished")

    async def _step(self) -> tuple[dict[str, Any], Action]:
        """Ask until an answer can be read. A failed answer is shown once, as text, and only within its step."""
        shown: list[dict[str, Any]] = []
        for attempt in range(1, MAX_REQUERIES + 1):
            message = await self._ask([*self.history, *shown])
            text = message.get("content") or ""
            try:
                return message, READERS[self.mode.id](text, message.get("tool_calls") or [])
            except Unreadable as why:
                if attempt == MAX_REQUERIES:
                    raise
                shown = [{"role": "assistant", "content": text}, {"role": "user", "content": str(why)}]
        raise AssertionError("unreachable")

    async def _ask(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        body = {"messages": messages, "model": NAME, "temperature": 0.0, "top_p": 1.0}
        body |= {"tools": TOOLS} if self.mode.calls else {}
        headers = {"Authorization": "Bearer not-needed", "User-Agent": "OpenAI/Python 2.54.0"}
        try:
            async with self.session.post(f"{self.url}/chat/completions", json=body, headers=headers) as response:
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError) as why:
            raise Aborts(repr(why)) from why
        if response.status != 200:
            raise Aborts(f"HTTP {response.status}: {text}")
        return dict(json.loads(text)["choices"][0]["message"])

    def _say(self, role: str, text: str, **more: object) -> None:
        content = text if self.older else [{"type": "text", "text": text}]
        self.history.append({"role": role, "content": content, **more})

    def _remember(self, message: dict[str, Any], action: Action, output: str) -> None:
        calls = {"tool_calls": message["tool_calls"]} if action.id else {}
        self.history.append({"role": "assistant", "content": message.get("content") or "", **calls})
        if self.older:
            self._say("user", f"{output}\n(Open file: n/a)\n(Current directory: {self.place.repository})\nbash-$")
        elif action.id:
            self._say("tool", f"OBSERVATION:\n{output}", tool_call_id=action.id)
        else:
            self._say("user", f"OBSERVATION:\n{output}")

    def _submits(self) -> bool:
        """Count a `submit`; tell whether it is the last one needed."""
        self.submits += 1
        return self.older or self.submits > 1

    async def _run_command(self, command: str) -> str:
        if command.strip() == "submit":
            return _REVIEW.format(diff=self._diff())
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", command, cwd=self.place.repository, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            output, _ = await asyncio.wait_for(process.communicate(), COMMAND_LIMIT)
        except TimeoutError:
            process.kill()
            await process.wait()
            return "The command took too long."
        return output.decode(errors="replace") or "Your command ran successfully and did not produce any output."

    def _diff(self) -> str:
        git = ["git", "diff", "--", "calc.py"]
        return subprocess.run(git, cwd=self.place.repository, capture_output=True, text=True, check=True, timeout=30).stdout

    def _ending(self, status: str) -> Ending:
        handed_in = self._diff() if status.startswith("submitted") else ""
        self.place.log.write_text(json.dumps(self.history, indent=1, ensure_ascii=False))
        return Ending(status, status == "submitted", handed_in)


async def drive(_python: Path, mode: Mode, base_url: str, place: Place, task: str) -> Ending:
    """Play SWE-agent on the task in the repository."""
    async with aiohttp.ClientSession(timeout=REQUEST_LIMIT) as session:
        return await _Agent(mode, base_url, place, session).run(task)
