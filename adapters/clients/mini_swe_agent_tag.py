"""mini-swe-agent's swebench_xml.yaml: prose and exactly one shell command, in a tag of its own.

    THOUGHT: I will look first.

    <mswea_bash_command>ls -la</mswea_bash_command>

Two such tags are refused, and so is none. Source: mini-swe-agent 2.4, swebench_xml.yaml with the text-based model class.
"""

from __future__ import annotations

from dataclasses import replace

from adapters.base import Body, Client
from adapters.clients import prompted
from adapters.clients.mini_swe_agent_fence import command_of
from adapters.clients.shell_text import carried
from adapters.clients.swe_agent_commands import BASH
from rules.conversation import Arguments, Conversation, Turn

OPEN, CLOSE = "<mswea_bash_command>", "</mswea_bash_command>"


def recognises(body: Body) -> bool:
    """Tell it by the tag in its instructions."""
    return not body.get("tools") and CLOSE in prompted.head(body)


def read(body: Body) -> Conversation:
    """Read the commands that were run."""
    return prompted.conversation(body, (BASH,), find)


def find(text: str) -> tuple[str, str, Arguments] | None:
    """Find the command in its tag, as mini-swe-agent does."""
    start = text.find(OPEN)
    end = text.find(CLOSE, start + len(OPEN))
    if start < 0 or end < 0:
        return None
    return text[:start].strip(), BASH.name, {"command": text[start + len(OPEN) : end].strip()}


def express(turn: Turn, _within: Conversation) -> Turn:
    """Write the call as a command in its tag. Such tags in the prose are broken up: with two of them nothing is run."""
    prose = turn.text.replace(OPEN, "<mswea_bash_command >")
    if not turn.calls:
        return replace(turn, text=prose)
    command = command_of(turn.calls[0])
    written = carried(command, broken=CLOSE in command)
    return replace(turn, text=prompted.behind(prose, f"{OPEN}{written}{CLOSE}"), calls=())


MINI_SWE_AGENT_TAG = Client(name="mini_swe_agent_tag", recognises=recognises, read=read, express=express, reads=("mswea_tag",))
