"""SWE-agent's `action`: the whole answer is a command line that begins with a tool's name.

    bash -c 'ls -la'

No prose is possible. A plain `ls` is refused, and `bash ls` runs a script of that name; `bash -c` runs a command, in a shell of
its own, so that a change of directory does not last. Source: SWE-agent 1.1.0, `ActionParser`.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from functools import partial
from typing import Final

from adapters.base import Body, Client
from adapters.clients import prompted
from adapters.clients.shell_text import fitting
from adapters.clients.swe_agent_commands import BASH, command_of, offered
from adapters.clients.swe_agent_words import of_commands
from rules.conversation import Arguments, Conversation, ToolCall, Tools, Turn

_HOW = "Answer with exactly one action and nothing else: a command line that begins with the name of a tool"
_FORM = "bash -c 'ls -la'"


def read(body: Body) -> Conversation:
    """Read the commands that were run."""
    tools = offered(prompted.head(body))
    return prompted.conversation(body, tools, partial(_find, tools=tools))


def takes(turn: Turn, within: Conversation) -> Turn:
    """Find the action that a turn is. Nothing closes a line, so one that did not end by itself is not whole."""
    found = None if turn.calls else _find(turn.text, within.tools)
    return replace(turn, text="", calls=(ToolCall("", *found[1:], whole=turn.ending == "stop"),)) if found else turn


def _find(text: str, tools: Tools) -> tuple[str, str, Arguments] | None:
    return ("", *_named(text.strip())) if _begins_with_tool(text, tools) else None


_FIRST: Final = re.compile(r"[ \t\r\n]*([^ \t\r\n]*)")
"""The first word as a shell reads it: other blanks, such as U+00A0, are part of a word there."""


def _begins_with_tool(line: str, tools: Tools) -> bool:
    found = _FIRST.match(line)
    return found is not None and found[1] in {tool.name for tool in tools}


def _named(line: str) -> tuple[str, Arguments]:
    try:
        words = shlex.split(line)
    except ValueError:
        words = []
    match words:
        case ["submit"]:
            return "submit", {}
        case ["bash", "-c", command]:
            return BASH.name, {"command": command}
        case _:
            return BASH.name, {"command": line}


def express(turn: Turn, within: Conversation) -> Turn:
    """Write the call as the whole answer. What is a command line of SWE-agent's already stays as it is."""
    if not turn.calls:
        return turn
    call = turn.calls[0]
    command = command_of(call)
    plain = call.name == BASH.name and not _begins_with_tool(command, within.tools)
    line = f"bash -c {shlex.quote(command)}" if plain else command
    return replace(turn, text=fitting(line), calls=())


def instructs(within: Conversation) -> str:
    """Tell format and tools where the prompt shows no such line."""
    shown = f"{BASH.name} -c" in prompted.head_of(within.turns)
    return "" if shown else of_commands(_HOW, _FORM, session=False)


SWE_AGENT_ACTION = Client(
    name="swe_agent_action",
    recognises=lambda body: False,  # noqa: ARG005 - nothing in it tells it; it has a path of its own
    read=read,
    express=express,
    instructs=instructs,
    takes=takes,
)
