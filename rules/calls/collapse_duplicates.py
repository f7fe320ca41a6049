"""The same call more than once in a turn."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import groupby

from rules.base import Example, rule
from rules.conversation import Conversation, ToolCall, Turn
from rules.problems import is_truncated
from rules.samples import TOOLS

_ONE = ToolCall("c1", "wait", {"seconds": 1})
_SAME = ToolCall("c2", "wait", {"seconds": 1})
_OTHER = ToolCall("c3", "wait", {"seconds": 2})
_CUT = ToolCall("c4", "wait", {}, whole=False)
_KEYS = Turn("assistant", calls=(_ONE, _SAME, _OTHER))
_TESTS = Turn("assistant", calls=(_ONE, _OTHER, _SAME), ending="length")


@rule(
    "form",
    Example("twice", Turn("assistant", calls=(_ONE, _SAME)), Turn("assistant", calls=(_ONE,)), TOOLS),
    Example("twice on purpose: press Tab, Tab, Enter", _KEYS, _KEYS, TOOLS),
    Example("again on purpose: test, fix, test", _TESTS, _TESTS, TOOLS),
    Example(
        "twice before the limit",
        replace(_KEYS, ending="length"),
        Turn("assistant", calls=(_ONE, _OTHER), ending="length"),
        TOOLS,
    ),
    Example("not the same", Turn("assistant", calls=(_ONE, _OTHER)), Turn("assistant", calls=(_ONE, _OTHER)), TOOLS),
    Example(
        "repeated until the limit cut the last copy",
        Turn("assistant", calls=(_ONE, _SAME, _CUT), ending="length"),
        Turn("assistant", calls=(_ONE,), ending="length"),
        TOOLS,
    ),
    Example(
        "a last call that the model ended, and only forgot to close",
        Turn("assistant", calls=(_ONE, _SAME, _CUT)),
        Turn("assistant", calls=(_ONE, _SAME, _CUT)),
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
    """Keep one of neighbouring calls that are the same to the letter, where a turn is nothing else or ran into its limit.

    Why: models that do not stop after a call write it again, now and then until the token limit.
    Safety: the calls are equal, and the turn is nothing but copies of one call or did not end by itself: other calls beside
        them show a plan, in which a key is pressed twice. The last one may lack its end only where nothing but whole copies
        of one call stand before it.
    """
    kept = tuple(next(copies) for _, copies in groupby(turn.calls, _key))
    if len(kept) == 2 and len(turn.calls) > 2 and _is_cut_copy(kept, turn):
        kept = kept[:1]
    if len(kept) > 1 and turn.ending != "length":
        return turn
    return replace(turn, calls=kept) if len(kept) < len(turn.calls) else turn


def _is_cut_copy(kept: tuple[ToolCall, ...], turn: Turn) -> bool:
    first, last = kept
    return first.whole and is_truncated(last, turn) and last.name in (first.name, "")


def _key(call: ToolCall) -> str:
    """Return the same text for the same call; unlike `==`, it tells true from 1."""
    try:
        arguments = call.arguments if isinstance(call.arguments, str) else json.dumps(dict(call.arguments))
    except (TypeError, ValueError, RecursionError):
        arguments = call.id
    return repr((call.name, isinstance(call.arguments, str), arguments, call.whole))
