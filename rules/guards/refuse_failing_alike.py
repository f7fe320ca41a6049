"""One tool that fails in the same way again and again, however its arguments are varied."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from rules.advice import capped, quoted
from rules.base import Example, Problem, asks, rule
from rules.conversation import Conversation, ToolCall, Turn
from rules.samples import TOOLS
from rules.steps import Step, same_results, steps


def _past(*results: str) -> Conversation:
    turns = [Turn("user", "fix it")]
    for at, result in enumerate(results):
        turns.append(Turn("assistant", calls=(ToolCall(f"c{at}", "execute_bash", {"command": f"python3 v{at}.py"}),)))
        turns.append(Turn("tool", result, answers=f"c{at}"))
    return replace(TOOLS, turns=tuple(turns))


_NEXT: Final = asks("execute_bash", command="python3 v9.py")
_ERROR: Final = "No such file or directory"


@rule(
    "form",
    Example("a fourth variation of what failed three times", _NEXT, "failing-alike", _past(_ERROR, _ERROR, _ERROR)),
    Example("it failed in another way", _NEXT, _NEXT, _past(_ERROR, _ERROR, "SyntaxError: invalid syntax")),
    Example("alike, but no failure", _NEXT, _NEXT, _past("ok", "ok", "ok")),
    Example("told already", _NEXT, _NEXT, replace(_past(_ERROR, _ERROR, _ERROR), asked=("failing-alike",))),
)
def refuse_failing_alike(turn: Turn, within: Conversation) -> Turn | Problem:
    """Tell the model that its calls of a tool keep failing in the same way, before it varies them once more.

    Why: an edit whose text is not in the file is sent again and again with other blanks, until the steps are used up.
    Safety: asked once in a turn; the model's next call is delivered, whatever it is. Results must be the same text.
    """
    limit = within.policy.patience.failures
    if turn.role != "assistant" or len(turn.calls) != 1 or limit < 2 or "failing-alike" in within.asked:
        return turn
    call, done = turn.calls[0], steps(within)
    alike = 0
    for step in reversed(done):
        if not _failed_so(step, done[-1], call):
            break
        alike += 1
    if alike + 1 < limit:
        return turn
    said = capped(" ".join(done[-1].results[0].split()), 120)
    advice = (
        f"The last {alike} calls of {quoted(call.name)} all failed in the same way: {quoted(said)}. Another variation will fail "
        "too. Find out why first: look at what is really there, or go about it in another way."
    )
    return Problem("failing-alike", "model-loop", advice)


def _failed_so(step: Step, last: Step, call: ToolCall) -> bool:
    return [each.name for each in step.calls] == [call.name] and step.failed and same_results(step, last)
