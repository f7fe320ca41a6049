"""A block that could not be read at all, beside calls that could."""

from __future__ import annotations

from dataclasses import replace

from rules.base import Example, rule
from rules.conversation import Conversation, ToolCall, Turn
from rules.samples import TOOLS

_GOOD = ToolCall("c1", "finish", {})
_BAD = ToolCall("c2", "", "{utterly mangled}")
_CUT = ToolCall("c2", "", '{"na', whole=False)


@rule(
    "form",
    Example("dropped beside a good call", Turn("assistant", calls=(_BAD, _GOOD)), Turn("assistant", calls=(_GOOD,)), TOOLS),
    Example("kept when alone", Turn("assistant", calls=(_BAD,)), Turn("assistant", calls=(_BAD,)), TOOLS),
    Example(
        "kept when it may have been cut",
        Turn("assistant", calls=(_GOOD, _CUT), ending="length"),
        Turn("assistant", calls=(_GOOD, _CUT), ending="length"),
        TOOLS,
    ),
)
def drop_unreadable_call(turn: Turn, _within: Conversation) -> Turn:
    """Drop a block that nobody could read where the turn also has a call with a name.

    Why: models stutter a broken block and then write it again; clients throw the whole turn away for the broken one.
    Safety: the block has no name, so nothing could have been run for it; one that a limit may have cut is kept, and refused.
    """
    named = tuple(call for call in turn.calls if call.name or (not call.whole and turn.ending != "stop"))
    has_good = any(call.name for call in named)
    return replace(turn, calls=named) if has_good and len(named) < len(turn.calls) else turn
