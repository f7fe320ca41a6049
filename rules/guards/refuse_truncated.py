"""Calls that may lack their end."""

from __future__ import annotations

from rules.advice import quoted
from rules.base import Example, Problem, rule
from rules.conversation import Conversation, ToolCall, Turn
from rules.problems import is_truncated
from rules.read_json import Unreadable, read_json
from rules.samples import TOOLS

_OPEN = ToolCall("c1", "execute_bash", {"command": "rm -rf /workspace/build"}, whole=False)
_TEXT = ToolCall("c1", "execute_bash", '{"command": "rm -rf /workspace/build', whole=False)
_WHOLE = Turn("assistant", calls=(ToolCall("c1", "wait", {"seconds": 1}),), ending="length")
_ENDED = Turn("assistant", calls=(_OPEN,))


@rule(
    "form",
    Example("cut by the limit", Turn("assistant", calls=(_OPEN,), ending="length"), "truncated", TOOLS),
    Example("nobody knows how it ended", Turn("assistant", calls=(_OPEN,), ending="unsure"), "truncated", TOOLS),
    Example("a JSON string that does not end", Turn("assistant", calls=(_TEXT,)), "truncated", TOOLS),
    Example("the model ended it, only the closer is missing", _ENDED, _ENDED, TOOLS),
    Example("whole before the limit", _WHOLE, _WHOLE, TOOLS),
)
def refuse_truncated(turn: Turn, _within: Conversation) -> Turn | Problem:
    """Refuse a call that may have been cut.

    Why: closed up, `{"command": "rm -rf /workspace/build` is a valid call that nobody asked for; vLLM reports truncated calls as
        finished (vllm#53269).
    Safety: a call counts as whole only if its block was closed or the model ended the turn, and its JSON came to an end.
    """
    for call in turn.calls:
        if is_truncated(call, turn) or _ends_too_soon(call, turn):
            advice = f"Your call of {quoted(call.name)} was cut off before its end. Make it again, shorter or in several steps."
            return Problem("truncated", "truncated", advice, call)
    return turn


def _ends_too_soon(call: ToolCall, turn: Turn) -> bool:
    """Say whether the arguments are JSON that lacks its end, in a call that something may have cut."""
    if not isinstance(call.arguments, str) or (call.whole and turn.ending == "stop"):
        return False
    reading = read_json(call.arguments)
    return isinstance(reading, Unreadable) and reading.incomplete
