"""Messages that the examples of steps use."""

from __future__ import annotations

from typing import Any, Final

from adapters.base import Message
from adapters.history.base import Terms
from rules.conversation import ToolSpec

USER: Final[Message] = {"role": "user", "content": "Fix it."}
THINKS: Final = Terms(thoughts=(("<think>", "</think>"), ("<|channel>", "<channel|>")))
FINISH: Final = Terms(tools=(ToolSpec("finish", "", {"type": "object", "properties": {}}),))


def call(call_id: str, arguments: Any = '{"command": "ls"}', name: str = "bash") -> Message:
    """Write a call."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def asks(*calls: Message, content: Any = None) -> Message:
    """Write an assistant's message with calls."""
    return {"role": "assistant", "content": content, "tool_calls": list(calls)}


def says(content: Any, **more: Any) -> Message:
    """Write an assistant's message."""
    return {"role": "assistant", "content": content, **more}


def told(content: Any) -> Message:
    """Write a user's message."""
    return {"role": "user", "content": content}


def result(call_id: str, content: Any = "a.py") -> Message:
    """Write a tool's result."""
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def part(text: str, **more: Any) -> Message:
    """Write a part of a content."""
    return {"type": "text", "text": text, **more}
