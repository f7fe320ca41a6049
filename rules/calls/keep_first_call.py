"""Several calls for a client that takes one."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile

from rules.base import Example, rule
from rules.conversation import Conversation, Policy, ToolCall, Turn
from rules.problems import is_truncated, judge
from rules.samples import TOOLS
from rules.undeclared import undeclared

_ONE_CALL = replace(TOOLS, policy=Policy(several="first"))
_BAD = ToolCall("c1", "wait", {})
_GOOD = ToolCall("c2", "wait", {"seconds": 1})
_LATER = ToolCall("c3", "finish", {})
_MANGLED = ToolCall("c4", "", "{utterly mangled}")


@rule(
    "policy",
    Example("the first", Turn("assistant", calls=(_GOOD, _LATER)), Turn("assistant", calls=(_GOOD,)), _ONE_CALL),
    Example("stuttered, then right", Turn("assistant", calls=(_BAD, _GOOD)), Turn("assistant", calls=(_GOOD,)), _ONE_CALL),
    Example("none is right", Turn("assistant", calls=(_BAD, _BAD)), Turn("assistant", calls=(_BAD,)), _ONE_CALL),
    Example("never finish in its stead", Turn("assistant", calls=(_BAD, _LATER)), Turn("assistant", calls=(_BAD,)), _ONE_CALL),
    Example("another tool between", Turn("assistant", calls=(_BAD, _LATER, _GOOD)), Turn("assistant", calls=(_BAD,)), _ONE_CALL),
    Example("unreadable", Turn("assistant", calls=(_MANGLED, _GOOD)), Turn("assistant", calls=(_MANGLED,)), _ONE_CALL),
    Example(
        "a client that takes several", Turn("assistant", calls=(_GOOD, _LATER)), Turn("assistant", calls=(_GOOD, _LATER)), TOOLS
    ),
)
def keep_first_call(turn: Turn, within: Conversation) -> Turn:
    """Keep the first call for a client that takes one call a turn, or the right one of calls that it begins to stutter.

    Why: SWE-agent asks again at two calls; a second structured call aborts OpenHands in text mode.
    Safety: only where the profile says that the client takes one; the model sees which call was run and can go on. A bad first
        call gives way only to a right call of the same tool with no other tool between; else it is kept, refused and asked
        again: of `create` without its path and `finish`, running only `finish` would end the work undone.
    """
    if within.policy.several != "first" or len(turn.calls) < 2:
        return turn
    first = turn.calls[0]
    stutter = takewhile(lambda call: call.name == first.name, turn.calls)
    return replace(turn, calls=(next((call for call in stutter if _is_right(call, turn, within)), first),))


def _is_right(call: ToolCall, turn: Turn, within: Conversation) -> bool:
    spec = within.tool(call.name)
    if isinstance(call.arguments, str) or spec is None or is_truncated(call, turn):
        return False
    return not undeclared(call, spec).strange and not judge(call, within)
