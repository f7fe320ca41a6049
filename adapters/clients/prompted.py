"""Clients whose own prompt tells the model how to act: how their history is read, and what they have in common.

Their messages go upstream byte for byte, without `tools`. The conversation is read for us alone: what may be called, which
actions were taken, and which message is whose result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeAlias

from adapters.base import Body
from adapters.clients.openai_chat import policy_for, turn_of
from rules.conversation import Arguments, Conversation, Policy, ToolCall, Tools, Turn

Find: TypeAlias = "Callable[[str], tuple[str, str, Arguments] | None]"
"""Finds the action in an assistant's message, as the client does: the prose before it, the tool's name, the arguments."""

POLICY = Policy(several="ask", acts=True, prose="error")
"""One action is taken out of the text of every turn, and a turn without one is refused."""


def conversation(body: Body, tools: Tools, find: Find) -> Conversation:
    """Read a history: actions become calls, and the user message behind each of them its result."""
    turns: list[Turn] = []
    acted = ""
    for turn in map(turn_of, body.get("messages") or ()):
        found = find(turn.text) if turn.role == "assistant" and not turn.calls else None
        if turn.role == "user" and acted:
            turn = replace(turn, role="tool", answers=acted)  # noqa: PLW2901 - the same turn, understood
        acted = f"call_{len(turns)}" if found else ""
        turns.append(_acting(turn, acted, *found) if found else turn)
    return Conversation(tools, tuple(turns), policy_for(tools, POLICY, head(body)))


def _acting(turn: Turn, call_id: str, prose: str, name: str, arguments: Arguments) -> Turn:
    return replace(turn, text=prose, calls=(ToolCall(call_id, name, arguments),))


def head(body: Body) -> str:
    """Return the text that every request of a session begins with: the system messages and the first user message.

    What is decided by it alone is decided alike on every turn, so that a prompt's prefix stays in the server's cache.
    """
    return head_of(turn_of(message) for message in body.get("messages") or ())


def head_of(turns: Iterable[Turn]) -> str:
    """Return the same of turns."""
    texts: list[str] = []
    for turn in turns:
        if turn.role in ("system", "user"):
            texts.append(turn.text)
        if turn.role != "system":
            break
    return "\n".join(texts)


def behind(prose: str, action: str) -> str:
    """Put an action behind the visible text."""
    return f"{prose.rstrip()}\n\n{action}" if prose.strip() else action
