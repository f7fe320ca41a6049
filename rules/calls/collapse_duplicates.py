"""The same call more than once in a turn."""

from __future__ import annotations

import json
from dataclasses import replace

from rules.base import Example, rule
from rules.conversation import Conversation, ToolCall, Turn
from rules.samples import TOOLS

_ONE = ToolCall("c1", "wait", {"seconds": 1})
_SAME = ToolCall("c2", "wait", {"seconds": 1})
_OTHER = ToolCall("c3", "wait", {"seconds": 2})
_CUT = ToolCall("c4", "wait", {}, whole=False)


@rule(
    "form",
    Example("twice", Turn("assistant", calls=(_ONE, _SAME)), Turn("assistant", calls=(_ONE,)), TOOLS),
    Example("not the same", Turn("assistant", calls=(_ONE, _OTHER)), Turn("assistant", calls=(_ONE, _OTHER)), TOOLS),
    Example(
        "repeated until the limit cut the last copy",
        Turn("assistant", calls=(_ONE, _SAME, _CUT), ending="length"),
        Turn("assistant", calls=(_ONE,), ending="length"),
        TOOLS,
    ),
    Example(
        "a second call that was cut",
        Turn("assistant", calls=(_ONE, _CUT), ending="length"),
        Turn("assistant", calls=(_ONE, _CUT), ending="length"),
        TOOLS,
    ),
)
def collapse_duplicates(turn: Turn, _within: Conversation) -> Turn:
    """Keep one of calls that are the same in name and arguments.

    Why: models that do not stop after a call write it again, now and then until the token limit.
    Safety: the calls are equal; the last one may lack its end only where nothing but whole copies of one call stand before it.
    """
    seen: dict[str, ToolCall] = {}
    for call in turn.calls:
        seen.setdefault(_key(call), call)
    kept = tuple(seen.values())
    if len(kept) == 2 and len(turn.calls) > 2 and _is_cut_copy(kept, turn):
        kept = kept[:1]
    return replace(turn, calls=kept) if len(kept) < len(turn.calls) else turn


def _is_cut_copy(kept: tuple[ToolCall, ...], turn: Turn) -> bool:
    first, last = kept
    return first.whole and not last.whole and last.name in (first.name, "") and last is turn.calls[-1]


def _key(call: ToolCall) -> str:
    """Return the same text for the same call; unlike `==`, it tells true from 1."""
    try:
        arguments = call.arguments if isinstance(call.arguments, str) else json.dumps(dict(call.arguments), sort_keys=True)
    except (TypeError, ValueError, RecursionError):
        arguments = call.id
    return repr((call.name, isinstance(call.arguments, str), arguments, call.whole))
