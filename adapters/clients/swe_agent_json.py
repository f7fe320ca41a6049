"""SWE-agent's `json`: the whole answer is one JSON object.

    {"thought": "I will look first.", "command": {"name": "bash", "arguments": {"command": "ls -la"}}}

A fence or a word around it is refused. An argument that is left out, even an optional one, ends the run, so the editor is called
by its command line. Source: SWE-agent 1.1.0, `JsonParser`.
"""

from __future__ import annotations

import json
from dataclasses import replace

from adapters.base import Body, Client
from adapters.clients import prompted
from adapters.clients.swe_agent_commands import BASH, SUBMIT, command_of, documented, offered
from adapters.clients.swe_agent_words import of_tools
from rules.conversation import Arguments, Conversation, Turn
from rules.read_json import Reading, read_json

_HOW = "Answer with exactly one JSON object and nothing else, which says what you think and takes one action"
_FORM = '{"thought": "I will look first.", "command": {"name": "bash", "arguments": {"command": "ls -la"}}}'


def recognises(body: Body) -> bool:
    """Tell it by documented commands and the names of the two fields."""
    text = "" if body.get("tools") else prompted.head(body)
    return '"thought"' in text and '"command"' in text and bool(documented(text))


def read(body: Body) -> Conversation:
    """Read the commands that were run."""
    return prompted.conversation(body, offered(prompted.head(body)), find)


def find(text: str) -> tuple[str, str, Arguments] | None:
    """Read the object."""
    reading = read_json(text)
    value = reading.value if isinstance(reading, Reading) and reading.strict else None
    command = value.get("command") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(command, dict) or not isinstance(command.get("name"), str):
        return None
    arguments = command.get("arguments")
    return str(value.get("thought") or ""), str(command["name"]), arguments if isinstance(arguments, dict) else {}


def express(turn: Turn, _within: Conversation) -> Turn:
    """Write prose and call as the object."""
    if not turn.calls:
        return turn
    line = command_of(turn.calls[0])
    submits = turn.calls[0].name == SUBMIT.name
    command = {"name": SUBMIT.name, "arguments": {}} if submits else {"name": BASH.name, "arguments": {"command": line}}
    return replace(turn, text=json.dumps({"thought": turn.text.strip(), "command": command}, ensure_ascii=False), calls=())


def instructs(within: Conversation) -> str:
    """Tell format and tools where the prompt tells neither."""
    text = prompted.head_of(within.turns)
    shown = ('"thought"' in text and '"command"' in text) or bool(documented(text))
    return "" if shown else of_tools(_HOW, _FORM, within.tools)


SWE_AGENT_JSON = Client(
    name="swe_agent_json",
    recognises=recognises,
    read=read,
    express=express,
    reads=("thought_json",),
    instructs=instructs,
)
