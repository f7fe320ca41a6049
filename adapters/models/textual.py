"""The textual way to the model: tools, calls and results written into the messages, for servers without a tool parser."""

from __future__ import annotations

from adapters.advice import quoted
from adapters.base import Dialect, Message, Unwritable
from adapters.messages import merge_users
from rules.conversation import Conversation, Turn


def messages(conversation: Conversation, dialect: Dialect) -> list[Message]:
    """Write the turns as plain messages in a dialect: tools behind the system prompt, results as user messages.

    The results of one turn's calls, and what the user says behind them, make one message: templates demand that roles alternate.
    """
    names = {call.id: call.name for turn in conversation.turns for call in turn.calls}
    written = merge_users(_message(turn, dialect, names) for turn in conversation.turns)
    return behind_system(written, dialect.describe(conversation.tools))


def behind_system(messages: list[Message], words: str) -> list[Message]:
    """Put words behind the system prompt, or in its place where there is none."""
    if not messages or messages[0].get("role") != "system":
        return [{"role": "system", "content": words}, *messages]
    said = messages[0].get("content")
    if isinstance(said, list):
        return [{**messages[0], "content": [*said, {"type": "text", "text": words}]}, *messages[1:]]
    return [{**messages[0], "content": f"{said}\n\n{words}" if said else words}, *messages[1:]]


def _message(turn: Turn, dialect: Dialect, names: dict[str, str]) -> Message:
    if turn.role == "tool":
        return {"role": "user", "content": dialect.result(names.get(turn.answers or "", "tool"), turn.text)}
    if not turn.calls:
        return {"role": turn.role, "content": turn.text}
    return {"role": "assistant", "content": render(turn, dialect)}


def render(turn: Turn, dialect: Dialect) -> str:
    """Write a turn as the model would have. What the dialect cannot carry is quoted as plain text, whole."""
    try:
        calls = dialect.render(turn.calls)
    except Unwritable:
        return quoted(turn)
    return f"{turn.text}\n{calls}" if turn.text else calls
