"""An agent that is done but goes on: it made its change, the check passed, and since then it only looks."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from rules.actions import kind_of
from rules.base import Example, Problem, asks, rule
from rules.conversation import Conversation, Patience, Policy, ToolCall, Turn
from rules.samples import TOOLS
from rules.steps import Step, steps

_EDIT: Final = ("sed -i s/a/b/ x.py", "")
_PASS: Final = ("python -m pytest", "3 passed")
_FAIL: Final = ("python -m pytest", "1 failed")
_POLICY: Final = Policy(prose="error", finish="call the tool finish", patience=Patience(idle=3))


def _past(*pairs: tuple[str, str]) -> Conversation:
    turns = [Turn("user", "fix it")]
    for at, (command, result) in enumerate(pairs):
        turns.append(Turn("assistant", calls=(ToolCall(f"c{at}", "execute_bash", {"command": command}),)))
        turns.append(Turn("tool", result, answers=f"c{at}"))
    return replace(TOOLS, turns=tuple(turns), policy=_POLICY)


_LOOKS: Final = (("cat x.py", "b"), ("git diff", "-a +b"))
_NEXT: Final = asks("execute_bash", command="ls")
_UNKNOWN: Final = replace(_past(_EDIT, _PASS, *_LOOKS), policy=Policy(patience=Patience(idle=3)))


@rule(
    "form",
    Example("changed, checked, and looked at for the third time", _NEXT, "done-but-goes-on", _past(_EDIT, _PASS, *_LOOKS)),
    Example("the check failed", _NEXT, _NEXT, _past(_EDIT, _FAIL, *_LOOKS)),
    Example("nothing was changed", _NEXT, _NEXT, _past(_PASS, *_LOOKS)),
    Example("nobody knows how this client finishes", _NEXT, _NEXT, _UNKNOWN),
)
def nudge_to_finish(turn: Turn, within: Conversation) -> Turn | Problem:
    """Ask an agent that seems to be done whether it is, in the client's own words for finishing.

    Why: Qwen 3.5 mended the bug under SWE-agent, then read on for 96 steps: its prompt never says how to submit.
    Safety: asked once in so many idle steps (`Patience.idle`); whatever the model does then is delivered. Only where the client's
        way to finish is known. Nothing is submitted in the model's place.
    """
    limit = within.policy.patience.idle
    if not limit or not within.policy.finish:
        return turn
    if turn.role != "assistant" or not turn.calls or not all(kind_of(call) in ("look", "check") for call in turn.calls):
        return turn
    idle = _idle(steps(within)) + 1
    if idle % limit or idle == 1:
        return turn
    advice = (
        f"A change was made and its check has passed; the last {idle - 1} steps changed nothing. If the task is done, hand it in "
        f"now: {within.policy.finish}. If something is missing, do that."
    )
    return Problem("done-but-goes-on", "model-loop", advice, once=True)


def _idle(done: tuple[Step, ...]) -> int:
    """Count the steps since a check passed behind the last change; 0 where there was none."""
    edited = passed = False
    idle = 0
    for step in done:
        kinds = {kind_of(call) for call in step.calls}
        if "edit" in kinds or "other" in kinds:
            edited, passed, idle = edited or "edit" in kinds, False, 0
        elif "check" in kinds:
            idle = idle + 1 if passed and not step.failed else 0
            passed = edited and not step.failed
        elif passed:
            idle += 1
    return idle
