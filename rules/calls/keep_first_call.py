"""Several calls for a client that takes one."""

from __future__ import annotations

from dataclasses import replace

from rules.base import Example, rule
from rules.conversation import Conversation, Policy, ToolCall, Turn
from rules.problems import is_truncated, judge
from rules.samples import TOOLS

_ONE_CALL = replace(TOOLS, policy=Policy(one_call=True))
_BAD = ToolCall("c1", "wait", {})
_GOOD = ToolCall("c2", "wait", {"seconds": 1})
_LATER = ToolCall("c3", "finish", {})


@rule(
    "policy",
    Example("the first", Turn("assistant", calls=(_GOOD, _LATER)), Turn("assistant", calls=(_GOOD,)), _ONE_CALL),
    Example("the first that is right", Turn("assistant", calls=(_BAD, _GOOD)), Turn("assistant", calls=(_GOOD,)), _ONE_CALL),
    Example("none is right", Turn("assistant", calls=(_BAD, _BAD)), Turn("assistant", calls=(_BAD,)), _ONE_CALL),
    Example(
        "a client that takes several", Turn("assistant", calls=(_GOOD, _LATER)), Turn("assistant", calls=(_GOOD, _LATER)), TOOLS
    ),
)
def keep_first_call(turn: Turn, within: Conversation) -> Turn:
    """Keep the first call that is right, or else the first, for a client that takes one call a turn.

    Why: SWE-agent asks again at two calls; a second structured call aborts OpenHands in text mode.
    Safety: only where the profile says that the client takes one; the model sees which call was run and can go on.
    """
    if not within.policy.one_call or len(turn.calls) < 2:
        return turn
    first = next((call for call in turn.calls if _is_right(call, turn, within)), turn.calls[0])
    return replace(turn, calls=(first,))


def _is_right(call: ToolCall, turn: Turn, within: Conversation) -> bool:
    readable = not isinstance(call.arguments, str) and within.tool(call.name) is not None
    return readable and not is_truncated(call, turn) and not judge(call, within)
