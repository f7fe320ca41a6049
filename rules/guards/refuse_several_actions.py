"""Several actions for a client that takes one out of the model's text."""

from __future__ import annotations

from dataclasses import replace

from rules.base import Example, Problem, rule
from rules.conversation import Conversation, Policy, ToolCall, Turn
from rules.samples import TOOLS

_ACTS = replace(TOOLS, policy=Policy(several="ask", acts=True))
_LS = ToolCall("c1", "execute_bash", {"command": "ls"})
_PWD = ToolCall("c2", "execute_bash", {"command": "pwd"})
_TWO = Turn("assistant", "First:\nthen:", calls=(_LS, _PWD))


@rule(
    "policy",
    Example("two commands: which one?", _TWO, "several-actions", _ACTS),
    Example("one command", Turn("assistant", calls=(_LS,)), Turn("assistant", calls=(_LS,)), _ACTS),
    Example("a client that takes several", _TWO, _TWO, TOOLS),
)
def refuse_several_actions(turn: Turn, within: Conversation) -> Turn | Problem:
    """Ask which one action is meant, where the client reads one action out of the model's text.

    Why: of two fenced commands mini-swe-agent and EvalScope take none and SWE-agent runs the last; one of them may be an example
        or an alternative.
    Safety: nothing is run before the model has chosen. Where it will not, its first action is delivered.
    """
    if within.policy.several != "ask" or len(turn.calls) < 2:
        return turn
    advice = f"It held {len(turn.calls)} actions, and one is taken at a time. Write the one action to take now, and nothing else."
    return Problem("several-actions", "model-format", advice)
