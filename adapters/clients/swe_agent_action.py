"""SWE-agent's `action`: the whole answer is a command line that begins with a tool's name.

    bash -c 'ls -la'

No prose is possible. A plain `ls` is refused, and `bash ls` runs a script of that name; `bash -c` runs a command, in a shell of
its own, so that a change of directory does not last. Source: SWE-agent 1.1.0, `ActionParser`.
"""

from __future__ import annotations

import shlex
from dataclasses import replace

from adapters.base import Body, Client
from adapters.clients import prompted
from adapters.clients.shell_text import fitting
from adapters.clients.swe_agent_commands import BASH, command_of, offered
from adapters.clients.swe_agent_words import of_commands
from rules.conversation import Arguments, Conversation, Turn

_HOW = "Answer with exactly one action and nothing else: a command line that begins with the name of a tool"
_FORM = "bash -c 'ls -la'"


def read(body: Body) -> Conversation:
    """Read the commands that were run."""
    tools = offered(prompted.head(body))
    names = {tool.name for tool in tools}

    def find(text: str) -> tuple[str, str, Arguments] | None:
        words = text.split(maxsplit=1)
        return ("", *_named(text.strip())) if words and words[0] in names else None

    return prompted.conversation(body, tools, find)


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


def express(turn: Turn, _within: Conversation) -> Turn:
    """Write the call as the whole answer."""
    if not turn.calls:
        return turn
    call = turn.calls[0]
    command = command_of(call)
    line = f"bash -c {shlex.quote(command)}" if call.name == BASH.name else command
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
)
