"""mini-swe-agent's text configurations: prose and exactly one shell command, in a fence of its own.

    THOUGHT: I will look first.

    ```mswea_bash_command
    ls -la
    ```

Two such fences are refused, and so is none; a line that begins with three backticks ends the command. Source: mini-swe-agent
2.4, `LitellmTextbasedModel`, with mini_textbased.yaml, default.yaml and swebench_backticks.yaml.
"""

from __future__ import annotations

import re
from dataclasses import replace

from adapters.base import Body, Client, Unwritable
from adapters.clients import prompted
from adapters.clients.shell_text import carried, sayable
from adapters.clients.swe_agent_commands import BASH
from rules.conversation import Arguments, Conversation, ToolCall, Turn

FENCE = "```mswea_bash_command"
_OPENING = re.compile(rf"{FENCE}[^\S\n]*\n")
_LINE = re.compile(r"^```", re.MULTILINE)


def recognises(body: Body) -> bool:
    """Tell it by the fence in its instructions."""
    return not body.get("tools") and FENCE in prompted.head(body)


def read(body: Body) -> Conversation:
    """Read the commands that were run."""
    return prompted.conversation(body, (BASH,), find)


def find(text: str) -> tuple[str, str, Arguments] | None:
    """Find the fenced command, as mini-swe-agent does."""
    opening = _OPENING.search(text)
    end = text.find("\n```", opening.end() - 1) if opening else -1
    if opening is None or end < 0:
        return None
    return text[: opening.start()].strip(), BASH.name, {"command": text[opening.end() : end].strip()}


def express(turn: Turn, _within: Conversation) -> Turn:
    """Write the call as a fenced command. Such fences in the prose are broken up: with two of them nothing is run."""
    prose = turn.text.replace(FENCE, "``` mswea_bash_command")
    if not turn.calls:
        return replace(turn, text=prose)
    command = command_of(turn.calls[0])
    written = carried(command, broken=bool(_LINE.search(command)))
    return replace(turn, text=prompted.behind(prose, f"{FENCE}\n{written}\n```"), calls=())


def command_of(call: ToolCall) -> str:
    """Return the command of a call, for clients that know nothing but a shell."""
    command = call.arguments.get("command") if not isinstance(call.arguments, str) else None
    if call.name != BASH.name or not isinstance(command, str):
        raise Unwritable("It is no command here. Give a command to bash.")
    return sayable(command)


MINI_SWE_AGENT_FENCE = Client(
    name="mini_swe_agent_fence", recognises=recognises, read=read, express=express, reads=("mswea_fence",)
)
