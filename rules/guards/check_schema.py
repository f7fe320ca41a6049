"""Arguments that do not fit their schema."""

from __future__ import annotations

from rules.base import Example, Problem, asks, rule
from rules.conversation import Conversation, Turn
from rules.problems import judge, problem_from
from rules.samples import TOOLS

__all__ = ["check_schema", "problem_from"]


@rule(
    "schema",
    Example("a required value is missing", asks("wait", second=1), "missing-arguments", TOOLS),
    Example("a value of the wrong kind", asks("wait", seconds="ten"), "wrong-arguments", TOOLS),
    Example("a right call", asks("wait", seconds=1), asks("wait", seconds=1), TOOLS),
)
def check_schema(turn: Turn, within: Conversation) -> Turn | Problem:
    """Refuse a call whose arguments its schema refuses, and name each place and rule.

    Why: the client would refuse it too, with less to say and at the cost of a turn.
    Safety: nothing is run. Only small and simple schemas are judged here; the others in a process that can be killed.
    """
    for call in turn.calls:
        found = judge(call, within)
        if found:
            return problem_from(call, found)
    return turn
