"""Replies as OpenAI's chat API writes them: one JSON object, or the chunks of a stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from adapters.models.native import write
from rules.conversation import ToolCall, Turn


@dataclass(frozen=True, slots=True)
class Ends:
    """How a reply ends: the finish reason, the usage where the client wants it, the log-probabilities where it asked."""

    finish_reason: str
    usage: Mapping[str, Any] | None = None
    logprobs: tuple[Any, ...] = ()
    thinking: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """What every chunk of a reply repeats."""

    id: str
    created: int
    model: str
    more: Mapping[str, Any] = field(default_factory=dict)

    def fields(self, kind: str) -> dict[str, Any]:
        """Return the fields at the top of an answer."""
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model, **self.more}


def chunk(head: Head, delta: Mapping[str, Any], finish: str | None = None, logprobs: Sequence[Any] = ()) -> bytes:
    """Write one event of a stream."""
    choice: dict[str, Any] = {"index": 0, "delta": delta, "finish_reason": finish}
    if logprobs:
        choice["logprobs"] = {"content": list(logprobs)}
    return event({**head.fields("chat.completion.chunk"), "choices": [choice]})


def usage_chunk(head: Head, usage: Mapping[str, Any]) -> bytes:
    """Write the event that tells the usage, after all choices."""
    return event({**head.fields("chat.completion.chunk"), "choices": [], "usage": usage})


def event(data: Mapping[str, Any]) -> bytes:
    """Write one server-sent event."""
    return b"data: " + orjson.dumps(data) + b"\n\n"


def call_delta(index: int, call: ToolCall) -> dict[str, Any]:
    """Write a whole call as the delta that opens it: name and id are complete in the first delta, and come once."""
    return {"tool_calls": [{"index": index, **write(call)}]}


def whole(head: Head, turn: Turn, ends: Ends) -> bytes:
    """Write a turn as one answer. A turn with calls and no text has null content, as OpenAI's own answers have."""
    message: dict[str, Any] = {"role": "assistant", "content": turn.text or (None if turn.calls else "")}
    if turn.calls:
        message["tool_calls"] = [write(call) for call in turn.calls]
    if ends.thinking and turn.thinking:
        message["reasoning_content"] = turn.thinking
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": ends.finish_reason, "logprobs": None}
    if ends.logprobs:
        choice["logprobs"] = {"content": list(ends.logprobs)}
    return orjson.dumps({**head.fields("chat.completion"), "choices": [choice], "usage": ends.usage})
