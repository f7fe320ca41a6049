"""A block that could not be read at all, beside calls that could."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from rules.base import Example, rule
from rules.conversation import Conversation, Policy, ToolCall, Turn
from rules.samples import TOOLS

LAST: Final = frozenset({"finish", "submit", "done", "exit", "complete", "completetask", "taskcomplete", "attemptcompletion"})
"""Tools that end a session, in lower case and without dashes."""

_GOOD = ToolCall("c1", "wait", {"seconds": 1})
_BAD = ToolCall("c2", "", "{utterly mangled}")
_CUT = ToolCall("c2", "", '{"na', whole=False)
_END = ToolCall("c3", "finish", {})
_ONE_CALL = replace(TOOLS, policy=Policy(several="first"))


@rule(
    "form",
    Example("before a good call", Turn("assistant", calls=(_BAD, _GOOD)), Turn("assistant", calls=(_GOOD,)), TOOLS),
    Example("behind a good call", Turn("assistant", calls=(_GOOD, _BAD)), Turn("assistant", calls=(_GOOD,)), _ONE_CALL),
    Example("behind the end", Turn("assistant", calls=(_END, _BAD)), Turn("assistant", calls=(_END,)), TOOLS),
    Example(
        "kept before the end of the session",
        Turn("assistant", calls=(_BAD, _END)),
        Turn("assistant", calls=(_BAD, _END)),
        TOOLS,
    ),
    Example(
        "kept where only one call is run: this was the one",
        Turn("assistant", calls=(_BAD, _GOOD)),
        Turn("assistant", calls=(_BAD, _GOOD)),
        _ONE_CALL,
    ),
    Example("kept when alone", Turn("assistant", calls=(_BAD,)), Turn("assistant", calls=(_BAD,)), TOOLS),
    Example(
        "kept when it may have been cut",
        Turn("assistant", calls=(_GOOD, _CUT), ending="length"),
        Turn("assistant", calls=(_GOOD, _CUT), ending="length"),
        TOOLS,
    ),
)
def drop_unreadable_call(turn: Turn, within: Conversation) -> Turn:
    """Drop a block that nobody could read where the turn also has a call with a name.

    Why: models stutter a broken block and then write it again; clients throw the whole turn away for the broken one.
    Safety: the block has no name, so nothing could have been run for it; one that a limit may have cut is kept, and refused.
        So is one that stands before a call that ends the session, or before all others for a client that takes one call: the
        model could not see what was not run, and go on.
    """
    calls = turn.calls
    kept = tuple(call for at, call in enumerate(calls) if not _is_idle(call, turn) or not _is_spare(calls, at, within))
    return replace(turn, calls=kept) if len(kept) < len(calls) else turn


def _is_idle(call: ToolCall, turn: Turn) -> bool:
    return not call.name and (call.whole or turn.ending == "stop")


def _is_spare(calls: Sequence[ToolCall], at: int, within: Conversation) -> bool:
    before = any(call.name for call in calls[:at])
    behind = [call.name.lower().replace("_", "").replace("-", "") for call in calls[at + 1 :] if call.name]
    return (before or (bool(behind) and within.policy.several == "all")) and LAST.isdisjoint(behind)
