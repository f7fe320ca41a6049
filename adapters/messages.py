"""Messages of the chat API, whoever writes or reads them: their roles, their text, and neighbours made one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from adapters.base import Message
from rules.conversation import Role

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}


def text_of(content: Any) -> str:
    """Return the text of a message's content: a string, or the text parts of a list."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else ()
    return "".join(str(part.get("text") or "") for part in parts if isinstance(part, dict) and part.get("type") == "text")


def merge_users(messages: Iterable[Message]) -> list[Message]:
    """Make neighbouring user messages one, for templates that demand alternation. Texts are parted by a blank line."""
    merged: list[Message] = []
    for message in messages:
        last = merged[-1] if merged else None
        if last is None or message.get("role") != "user" or last.get("role") != "user":
            merged.append(message)
        else:
            merged[-1] = {**last, "content": _joined(last.get("content"), message.get("content"))}
    return merged


def behind_last(messages: list[Message], words: str) -> list[Message]:
    """Put words behind the text of the last message, be it a tool's result: there they break no template's order of roles."""
    if not words or not messages:
        return messages
    last = messages[-1]
    return [*messages[:-1], {**last, "content": _joined(last.get("content") or "", words)}]


def _joined(first: Any, second: Any) -> Any:
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}"
    return [*_parts(first), *_parts(second)]


def _parts(content: Any) -> list[Any]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if isinstance(content, str) else []
