"""An agent that goes round: the same step again and again, or two to four by turns, with nothing new coming of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from rules.advice import quoted
from rules.base import Example, Problem, asks, rule
from rules.conversation import Conversation, Policy, ToolCall, Turn
from rules.samples import TOOLS
from rules.steps import Step, same_calls, same_step, steps

PERIODS: Final = (1, 2, 3, 4)
"""How many steps a round may have."""

RUNG: Final = 2
"""Rounds after which advice that did not help gives way to the next means."""


@dataclass(frozen=True, slots=True)
class Round:
    """How often a round of steps was begun, the new turn's included, and the positions of all turns but the first round's."""

    times: int
    period: int
    again: frozenset[int]


def rounds(turn: Turn, within: Conversation) -> Round:
    """Return the longest run of rounds that a turn would go on with."""
    done = steps(within)
    found = max((_run(turn, done, period) for period in PERIODS), key=lambda each: each.times)
    refused = 1 + sum(1 for call in within.dropped if same_calls((call,), turn.calls))
    return found if found.times >= refused else Round(refused, 1, frozenset())


def _run(turn: Turn, done: tuple[Step, ...], period: int) -> Round:
    """Follow a round of so many steps back as far as it goes."""
    if len(done) < period or not same_calls(done[-period].calls, turn.calls):
        return Round(1, period, frozenset())
    earlier = zip(reversed(done), reversed(done[:-period]), strict=False)
    again: list[Step] = []
    for step, before in earlier:
        if not same_step(step, before):
            break
        again.append(step)
    length = len(again) + period + 1
    return Round(-(-length // period), period, frozenset(place for step in again for place in step.places))


def _past(*pairs: tuple[str, str]) -> Conversation:
    turns = [Turn("user", "fix it")]
    for at, (command, result) in enumerate(pairs):
        turns.append(Turn("assistant", calls=(ToolCall(f"c{at}", "execute_bash", {"command": command}),)))
        turns.append(Turn("tool", result, answers=f"c{at}"))
    return replace(TOOLS, turns=tuple(turns), policy=Policy(prose="error", finish="call the tool finish"))


_LS: Final = asks("execute_bash", command="ls")
_SAME: Final = ("ls", "a.py")
_REFUSED: Final = replace(TOOLS, dropped=_LS.calls * 2)


@rule(
    "form",
    Example("the third time, with the same result each time", _LS, "repeated-call", _past(_SAME, _SAME)),
    Example("the same call, but something new came of it", _LS, _LS, _past(_SAME, ("ls", "a.py b.py"))),
    Example("two calls by turns, a third time", _LS, "repeated-call", _past(_SAME, ("pwd", "/"), _SAME, ("pwd", "/"))),
    Example("something else was done in between", _LS, _LS, _past(_SAME, _SAME, ("rm a.py", ""))),
    Example("the client refused it twice and forgot it", _LS, "repeated-call", _REFUSED),
    Example("all advice was in vain", _LS, "stuck", _past(*[_SAME] * 11)),
)
def refuse_repetition(turn: Turn, within: Conversation) -> Turn | Problem:
    """Tell the model that it goes round, before another round is run.

    Why: at temperature 0 what was done three times is done for ever; OpenHands gives up at the fourth time, mini-swe-agent and
        SWE-agent never do.
    Safety: only where the very same came of the very same calls. First the model is told; then the repeated turns are left out
        of what it sees; then it is told how to finish. If it insists, its call is delivered, until the session is stopped with
        words that say so. The sampling is changed each time, as always when asking again.
    """
    limit = within.policy.patience.repeats
    if turn.role != "assistant" or not turn.calls or not limit:
        return turn
    found = rounds(turn, within)
    if found.times < limit:
        return turn
    first, stop = turn.calls[0], within.policy.patience.stop
    if stop and found.times >= stop:
        advice = f"{quoted(first.name)} was called {found.times} times with the same result, although the model was told so."
        return Problem("stuck", "model-loop", advice, hopeless=True)
    rung = (found.times - limit) // RUNG + within.asked.count("repeated-call")
    hides = found.again if rung else frozenset()
    return Problem("repeated-call", "model-loop", _advice(found, first, within.policy, rung), hides=hides)


def _advice(found: Round, call: ToolCall, policy: Policy, rung: int) -> str:
    what = "the same call" if found.period == 1 else f"the same {found.period} calls by turns"
    told = f"You make {what} for the {_ordinal(found.times)} time ({quoted(call.name)}), and nothing new comes of it."
    finish = f" If the work is done, hand it in: {policy.finish}." if policy.finish else ""
    if rung > 1 and policy.finish:
        return f"{told} Do not make it again.{finish} If it is not done, do something that you have not done yet."
    return f"{told} Do something else: look elsewhere, make the change, or test it.{finish}"


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")
