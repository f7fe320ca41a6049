"""Reads a block of JSON between the markers of a format into calls, whatever they name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from adapters.models.json_blocks.json_calls import Value, call_of, values_in
from adapters.models.json_blocks.json_tokens import Frame
from rules.conversation import ToolCall, Tools

CallOf: TypeAlias = Callable[[Value, Tools], ToolCall | None]
"""Makes a call of a value; None: it has not the shape of one."""


def read_block(frame: Frame, block: str, tools: Tools, call: CallOf = call_of) -> tuple[ToolCall, ...] | None:
    """Read a block. What cannot be read is a call without a name whose arguments are the text."""
    body, closed = inside(frame, block)
    values = values_in(body, closed=closed)
    if values is None:
        return (ToolCall("", "", body, whole=closed),)
    return tuple(call(value, tools) or ToolCall("", "", value.text) for value in values) or None


def inside(frame: Frame, block: str) -> tuple[str, bool]:
    """Take the markers off a block, and tell whether it was closed."""
    body = block.removeprefix(frame.opener).strip()
    for lead in frame.leads:
        body = body.removeprefix(lead).lstrip()
    closed = bool(frame.closer) and body.endswith(frame.closer)
    return (body.removesuffix(frame.closer).strip() if closed else body), closed
