"""The textual way to the model: tools, calls and results written into the messages, for servers without a tool parser."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, repeat
from typing import Any

from adapters.advice import quoted
from adapters.base import Dialect, Message, Unwritable
from adapters.messages import merge_users
from adapters.models.written import written
from rules.conversation import Conversation, Tools, Turn


def messages(conversation: Conversation, dialect: Dialect, theirs: Sequence[Message] = ()) -> list[Message]:
    """Write the turns as plain messages in a dialect: tools behind the system prompt, results as user messages.

    The results of one turn's calls, and what the user says behind them, make one message: templates demand that roles alternate.

    theirs  the client's own messages, where there is one for each turn: what they hold besides text, such as an image, is kept
    """
    names = {call.id: call.name for turn in conversation.turns for call in turn.calls}
    texts = (_message(turn, dialect, conversation.tools, names) for turn in conversation.turns)
    ours = merge_users(_with_images(*each) for each in zip(texts, chain(theirs, repeat({})), strict=False))
    return behind_system(ours, dialect.describe(conversation.tools))


def behind_system(messages: list[Message], words: str) -> list[Message]:
    """Put words behind the system prompt, or in its place where there is none."""
    if not messages or messages[0].get("role") != "system":
        return [{"role": "system", "content": words}, *messages]
    said = messages[0].get("content")
    if isinstance(said, list):
        return [{**messages[0], "content": [*said, {"type": "text", "text": words}]}, *messages[1:]]
    return [{**messages[0], "content": f"{said}\n\n{words}" if said else words}, *messages[1:]]


def _with_images(message: Message, theirs: Message) -> Message:
    """Put what the client's message holds besides text behind the text; a user's own message keeps its order."""
    parts = theirs.get("content")
    others = [part for part in parts if not _is_text(part)] if isinstance(parts, list) and message["role"] == "user" else []
    if not others:
        return message
    own = theirs.get("role") == "user"
    return {**message, "content": parts if own else [{"type": "text", "text": message["content"]}, *others]}


def _is_text(part: Any) -> bool:
    return not isinstance(part, dict) or part.get("type") == "text"


def _message(turn: Turn, dialect: Dialect, tools: Tools, names: dict[str, str]) -> Message:
    if turn.role == "tool":
        return {"role": "user", "content": dialect.result(names.get(turn.answers or "", "tool"), turn.text)}
    if not turn.calls:
        return {"role": turn.role, "content": turn.text}
    return {"role": "assistant", "content": render(turn, dialect, tools)}


def render(turn: Turn, dialect: Dialect, tools: Tools) -> str:
    """Write a turn as the model would have. What the dialect cannot carry is quoted as plain text, whole."""
    try:
        calls = written(turn.calls, dialect, tools)
    except Unwritable:
        return quoted(turn)
    return f"{turn.text}\n{calls}" if turn.text else calls
