"""The textual way to the model: tools, calls and results written into the messages, for servers without a tool parser."""

from __future__ import annotations

from adapters.advice import quoted
from adapters.base import Dialect, Message, Unwritable
from adapters.clients.openai_chat import merge_users, text_of
from rules.conversation import Conversation, Turn


def messages(conversation: Conversation, dialect: Dialect) -> list[Message]:
    """Write the turns as plain messages in a dialect: tools behind the system prompt, results as user messages.

    The results of one turn's calls, and what the user says behind them, make one message: templates demand that roles alternate.
    """
    names = {call.id: call.name for turn in conversation.turns for call in turn.calls}
    written = merge_users(_message(turn, dialect, names) for turn in conversation.turns)
    return behind_system(written, dialect.describe(conversation.tools))


def behind_system(messages: list[Message], text: str) -> list[Message]:
    """Put a text behind the system prompt, or in its place where there is none."""
    if messages and messages[0]["role"] == "system":
        content = f"{text_of(messages[0]['content'])}\n\n{text}".strip()
        return [{**messages[0], "content": content}, *messages[1:]]
    return [{"role": "system", "content": text}, *messages]


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
