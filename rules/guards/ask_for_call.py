"""Prose where a call was called for."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from rules.base import Example, Problem, rule
from rules.conversation import Conversation, Policy, Prose, Turn
from rules.intent import Intent, intent_of
from rules.samples import TOOLS

ASKED: Final[dict[Prose, frozenset[Intent]]] = {
    "answer": frozenset({"intention", "placeholder"}),
    "message": frozenset({"intention", "placeholder", "answer"}),
    "error": frozenset({"intention", "placeholder", "answer", "question", "refusal"}),
}
"""What a turn without a call is to the client -> what it may have meant for the model to be asked."""

_DONE: Final = Turn("assistant", "I fixed the typo in a.py; all tests pass.")
_WILL: Final = Turn("assistant", "The cause is clear. Let me look at the file first:")
_WHICH: Final = Turn("assistant", "Which of the two files do you mean?")
_OPENHANDS: Final = replace(TOOLS, policy=Policy(prose="message", finish="call the tool finish"))
_MINI: Final = replace(TOOLS, policy=Policy(prose="error", finish="call the tool finish"))


@rule(
    "form",
    Example("a final answer", _DONE, _DONE, TOOLS),
    Example("announced, not done", _WILL, "no-call", TOOLS),
    Example("a question to the user", _WHICH, _WHICH, TOOLS),
    Example("it says that it is done, and does not finish", _DONE, "no-call", _OPENHANDS),
    Example("a question, to a client that passes it on", _WHICH, _WHICH, _OPENHANDS),
    Example("a client that takes no prose", _WHICH, "no-call", _MINI),
    Example("a call is demanded", _DONE, "call-required", replace(TOOLS, policy=Policy(choice="required"))),
    Example("nothing can be called", _WILL, _WILL, Conversation()),
)
def ask_for_call(turn: Turn, within: Conversation) -> Turn | Problem:
    """Ask for the call that prose announces, once; and for any call where the client demands or needs one.

    Why: OpenHands V1 takes an announcement for the end of the task: nothing is done, and it looks like success. mini-swe-agent
        and EvalScope lose the work after two or three turns without a call.
    Safety: a final answer is never asked about where it can end the task. Asked once, the model may stay with its text, which is
        delivered; with `tool_choice: "required"` as often as the budget allows. With `"none"` nothing is declared.
    """
    policy = within.policy
    if turn.role != "assistant" or turn.calls or not turn.text.strip() or turn.ending != "stop" or not within.tools:
        return turn
    finish = f" If the task is done, hand it in: {policy.finish}." if policy.finish else ""
    if policy.choice == "required":
        return Problem("call-required", "model-format", "A tool has to be called now; text alone is not taken.")
    if intent_of(turn.text) not in ASKED[policy.prose]:
        return turn
    advice = f"It held no action, so nothing was done. Take the next one now.{finish}"
    if policy.prose == "answer":
        advice = "It says what you would do, and does nothing. Call the tool now, or give the whole answer."
    return Problem("no-call", "model-format", advice, once=True)
