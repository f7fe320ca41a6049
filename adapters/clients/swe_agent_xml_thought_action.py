"""SWE-agent's `xml_thought_action`: prose, then a shell command in a tag.

    I will look first.

    <command>
    ls -la
    </command>

What stands between the last `<command>` and the last `</command>` is run. Source: SWE-agent 1.1.0, `XMLThoughtActionParser`.
"""

from __future__ import annotations

from dataclasses import replace

from adapters.base import Body, Client
from adapters.clients import prompted
from adapters.clients.shell_text import carried
from adapters.clients.swe_agent_commands import command_of, documented, named, offered, reroute
from adapters.clients.swe_agent_words import SAY, of_commands
from rules.conversation import Arguments, Conversation, Turn

OPEN, CLOSE = "<command>", "</command>"


def recognises(body: Body) -> bool:
    """Tell it by the documented commands and an example in its tag."""
    text = "" if body.get("tools") else prompted.head(body)
    return CLOSE in text and bool(documented(text))


def read(body: Body) -> Conversation:
    """Read the commands that were run."""
    return prompted.conversation(body, offered(prompted.head(body)), find)


def find(text: str) -> tuple[str, str, Arguments] | None:
    """Find the command between the last tags, as SWE-agent does."""
    start, end = text.rfind(OPEN), text.rfind(CLOSE)
    if start < 0 or end < start:
        return None
    return text[:start].strip(), *named(text[start + len(OPEN) : end].strip())


def express(turn: Turn, _within: Conversation) -> Turn:
    """Write the call as a command in its tag, and break the tags that stand in the prose."""
    prose = turn.text.replace(OPEN, "<command >").replace(CLOSE, "</command >")
    if not turn.calls:
        return replace(turn, text=prose)
    command = command_of(turn.calls[0])
    written = carried(command, reroute, broken=OPEN in command or CLOSE in command)
    return replace(turn, text=prompted.behind(prose, f"{OPEN}\n{written}\n{CLOSE}"), calls=())


def instructs(within: Conversation) -> str:
    """Tell format and tools where the prompt tells neither."""
    text = prompted.head_of(within.turns)
    shown = CLOSE in text or bool(documented(text))
    return "" if shown else of_commands(f"{SAY}, in one tag that ends your answer", f"{OPEN}\nls -la\n{CLOSE}")


SWE_AGENT_XML_THOUGHT_ACTION = Client(
    name="swe_agent_xml_thought_action",
    recognises=recognises,
    read=read,
    express=express,
    reads=("command_tag",),
    instructs=instructs,
)
