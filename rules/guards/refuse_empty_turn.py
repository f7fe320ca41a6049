"""A turn that says and does nothing."""

from __future__ import annotations

from rules.base import Example, Problem, rule
from rules.conversation import Conversation, Turn
from rules.samples import TOOLS

_TEXT = Turn("assistant", text="Done.")
_CUT = Turn("assistant", ending="length")


@rule(
    "form",
    Example("nothing but thought", Turn("assistant", text=" ", thinking="Hm."), "empty-turn", TOOLS),
    Example("text", _TEXT, _TEXT, TOOLS),
    Example("cut by a limit: not the model's choice", _CUT, _CUT, TOOLS),
)
def refuse_empty_turn(turn: Turn, within: Conversation) -> Turn | Problem:
    """Refuse a turn without text and without a call.

    Why: clients take an empty message for an answer, and three of them for a loop.
    Safety: nothing is lost: there is nothing in it.
    """
    if turn.role != "assistant" or turn.calls or turn.text.strip() or turn.ending != "stop":
        return turn
    wanted = "Call a tool, or answer in text." if within.tools else "Answer in text."
    return Problem("empty-turn", "model-empty", f"Your last message was empty. {wanted}")
