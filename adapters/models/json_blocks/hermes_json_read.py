"""Reads a Hermes block into calls: `{"name": ..., "arguments": {...}}` between `<tool_call>` and `</tool_call>`."""

from __future__ import annotations

from functools import partial

from adapters.models.json_blocks.hermes_json_scan import FRAME
from adapters.models.json_blocks.json_block_read import read_block
from rules.conversation import Json
from rules.read_json import Unreadable, read_json

read = partial(read_block, FRAME)
"""Reads a block into calls."""


def read_object(text: str) -> dict[str, Json] | None:
    """Read text as one JSON object; None: it is none."""
    reading = read_json(text)
    return reading.value if not isinstance(reading, Unreadable) and isinstance(reading.value, dict) else None
