"""Tells whether a name stands for a declared tool, as the rules will take it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from rules.calls.match_tool_name import match_tool_name
from rules.conversation import Conversation, ToolCall, Tools, Turn


def declared(tools: Tools) -> Callable[[str], bool]:
    """Return a test for names: whether the rules would give a call of that name a declared tool."""
    within = Conversation(tools)

    @lru_cache(maxsize=256)  # a text may repeat an opener thousands of times
    def fits(name: str) -> bool:
        turn = match_tool_name.apply(Turn("assistant", calls=(ToolCall("", name, {}),)), within)
        return isinstance(turn, Turn) and within.tool(turn.calls[0].name) is not None

    return fits
