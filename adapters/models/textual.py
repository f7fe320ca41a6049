"""The textual way to the model: tools, calls and results written into the messages, for servers without a tool parser."""

from __future__ import annotations

from adapters.advice import quoted
from adapters.base import Dialect, Message, Unwritable
from rules.conversation import Conversation, Turn


def messages(conversation: Conversation, dialect: Dialect) -> list[Message]:
    """Write the turns as plain messages in a dialect: tools behind the system prompt, results as user messages."""
    names = {call.id: call.name for turn in conversation.turns for call in turn.calls}
    written: list[Message] = [_message(turn, dialect, names) for turn in conversation.turns]
    tools = dialect.describe(conversation.tools)
    if written and written[0]["role"] == "system":
        written[0] = {"role": "system", "content": f"{written[0]['content']}\n\n{tools}"}
    else:
        written.insert(0, {"role": "system", "content": tools})
    return written


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
