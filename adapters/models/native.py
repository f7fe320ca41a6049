"""The native way to the model: tools and calls in the fields of OpenAI's API; the server's template writes them for the model."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from adapters.base import Call, Message
from adapters.string_builder import StringBuilder
from rules.conversation import Conversation, ToolCall, Turn
from rules.read_json import Reading, read_json


def messages(conversation: Conversation) -> list[Message]:
    """Write the turns as messages. Deterministic: the same conversation gives the same bytes, a longer one the same prefix."""
    return [message_of(turn) for turn in conversation.turns]


def message_of(turn: Turn) -> Message:
    """Write one turn as a message."""
    if turn.role == "tool":
        return {"role": "tool", "tool_call_id": turn.answers or "", "content": turn.text}
    message: Message = {"role": turn.role, "content": turn.text}
    if turn.calls:
        message["tool_calls"] = [write(call) for call in turn.calls]
    return message


def write(call: ToolCall) -> Message:
    """Write a call as OpenAI's API has it: arguments are a JSON string, byte for byte as they came where nothing touched them."""
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments_text(call)}}


def arguments_text(call: ToolCall) -> str:
    """Return a call's arguments as JSON text."""
    if isinstance(call.arguments, str):
        return call.arguments
    if call.written is not None:
        return call.written
    text = json.dumps(call.arguments, ensure_ascii=False)
    return text if text.isascii() or not _SURROGATE.search(text) else json.dumps(call.arguments)


_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half a character: legal in JSON as an escape, and in no other form."""


@dataclass(slots=True)
class _Open:
    id: str = ""
    name: str = ""
    text: StringBuilder = field(default_factory=StringBuilder)
    begun: bool = False
    values: list[Any] = field(default_factory=list)


class Structured:
    """Puts the server's structured deltas together. Tolerates what servers send: repeated names, objects for text, no ids."""

    def __init__(self) -> None:
        self._open: dict[int, _Open] = {}
        self.count = self.size = 0

    def take(self, delta: Mapping[str, Any], place: int) -> str:
        """Take one element of `delta.tool_calls`; `place` is its position, for servers that send no index.

        Returns the text that it adds to the arguments.
        """
        index = delta.get("index")
        at = index if isinstance(index, int) else place
        call = self._open.get(at)
        if call is None:
            call = self._open[at] = _Open()
            self.count += 1
        function = delta.get("function")
        function = function if isinstance(function, dict) else {}
        name, arguments = function.get("name"), function.get("arguments")
        call.id = call.id or str(delta.get("id") or "")
        if isinstance(name, str) and not call.begun:
            call.name = name if name.startswith(call.name) else call.name + name
        if isinstance(arguments, str):
            call.text.add(arguments)
            call.begun = True
            self.size += len(arguments)
            return arguments
        if arguments is not None:
            call.values.append(arguments)
        return ""

    def finish(self, *, cut: bool) -> list[Call]:
        """Return the calls. With `cut` the answer was cut off, and the last one cannot be known to be whole: vLLM closes it up.

        Arguments that are a strict JSON object are read, and their text is kept; any other text is the rules' to read.
        """
        calls = [_finished(call) for _, call in sorted(self._open.items())]
        if calls and cut:
            calls[-1] = replace(calls[-1], whole=False)
        return [Call("", call) for call in calls]


def _finished(call: _Open) -> ToolCall:
    if call.values:
        value = call.values[-1]
        return ToolCall(call.id, call.name, value if isinstance(value, dict) else json.dumps(value))
    return call_of(call.id, call.name, str(call.text))


def call_of(call_id: str, name: str, text: str) -> ToolCall:
    """Return a call whose arguments came as JSON text: read where they are a strict object, and kept as text where not."""
    reading = read_json(text)
    if isinstance(reading, Reading) and reading.strict and isinstance(reading.value, dict):
        return ToolCall(call_id, name, reading.value, written=text)
    return ToolCall(call_id, name, text)
