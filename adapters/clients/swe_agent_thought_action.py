"""SWE-agent's `thought_action`: prose, then a shell command in a fence. What its text configurations and default_backticks use.

    I will look first.

    ```
    ls -la
    ```

Any info string will do; a fence counts at the start of a line only; of several blocks the last outermost one is run. Prompts of
the 0.7 configurations document all commands. default_backticks.yaml names neither the format nor a tool. Source: SWE-agent 1.1.0,
`ThoughtActionParser`.
"""

from __future__ import annotations

import re
from dataclasses import replace

from adapters.base import Body, Client
from adapters.clients import prompted
from adapters.clients.shell_text import carried
from adapters.clients.swe_agent_commands import command_of, documented, named, offered, reroute
from adapters.clients.swe_agent_words import SAY, of_commands
from rules.conversation import Arguments, Conversation, Turn

_FENCE = re.compile(r"^```(?P<info>\S*)[^\S\n]*$", re.MULTILINE)
_OPENING = re.compile(r"^```", re.MULTILINE)
_FORM = "```\nls -la\n```"


def recognises(body: Body) -> bool:
    """Tell it by the documented commands, the prompt of its shell, and an example in a fence."""
    text = "" if body.get("tools") else prompted.head(body)
    return "\nbash-$" in text and "```" in text and bool(documented(text))


def read(body: Body) -> Conversation:
    """Read the commands that were run."""
    return prompted.conversation(body, offered(prompted.head(body)), find)


def find(text: str) -> tuple[str, str, Arguments] | None:
    """Find the last outermost block, as SWE-agent does."""
    opened: list[re.Match[str]] = []
    block: tuple[int, int, int] | None = None
    for fence in _FENCE.finditer(text):
        if not opened or fence["info"]:
            opened.append(fence)
            continue
        opening = opened.pop()
        if not opened:
            block = opening.start(), opening.end(), fence.start()
    if block is None:
        return None
    start, begin, end = block
    return text[:start].strip(), *named(text[begin:end].strip())


def express(turn: Turn, _within: Conversation) -> Turn:
    """Write the call as a fenced command. Fences in the prose are indented: at the start of a line they would be run."""
    prose = _OPENING.sub(" ```", turn.text)
    if not turn.calls:
        return replace(turn, text=prose)
    command = command_of(turn.calls[0])
    written = carried(command, reroute, broken=bool(_OPENING.search(command)))
    return replace(turn, text=prompted.behind(prose, f"```\n{written}\n```"), calls=())


def instructs(within: Conversation) -> str:
    """Tell format and tools where the prompt tells neither."""
    system = "\n".join(turn.text for turn in within.turns if turn.role == "system")
    shown = bool(documented(prompted.head_of(within.turns))) or "```" in system
    return "" if shown else of_commands(f"{SAY}, in one fenced block that ends your answer", _FORM)


SWE_AGENT_THOUGHT_ACTION = Client(
    name="swe_agent_thought_action",
    recognises=recognises,
    read=read,
    express=express,
    reads=("backticks",),
    instructs=instructs,
)
