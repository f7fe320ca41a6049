"""What a rule is, what it may answer, and how rules are run over a turn."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from rules.conversation import Arguments, Conversation, Json, ToolCall, ToolSpec, Turn

Safety = Literal["form", "schema", "guess", "policy"]
"""How certain a rule's change is.

form    no meaning changes                                   always on
schema  the schema decides it                                always on
guess   a unique, near choice                                one switch: `Policy.guess`
policy  the operator said so in a profile                    only as configured
"""

Fault = Literal["model-arguments", "model-name", "model-format", "model-empty", "model-loop", "model-degenerate", "truncated"]
"""The classes of faults that are the model's; the others are found in proxy/."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What only the model can mend.

    reason    a stable code, e.g. `missing-arguments`
    advice    what to tell the model, in at most 300 characters of plain text per finding
    call      the call it is about, if it is about one
    path      JSON path inside the arguments, e.g. `$.command`
    members   arguments that are missing or wrong, where the others may stay as they are
    hides     positions of past turns that are left out when the model is asked again: a pattern that is seen is gone on with
    once      asked about once in a turn: what the model then does is its own choice
    hopeless  asking would not help any more
    """

    reason: str
    fault: Fault
    advice: str
    call: ToolCall | None = None
    path: str = "$"
    members: tuple[str, ...] = ()
    hides: frozenset[int] = frozenset()
    once: bool = False
    hopeless: bool = False


Apply: TypeAlias = Callable[[Turn, Conversation], "Turn | Problem"]
"""Looks at a turn within its conversation: the same turn (nothing to do), a mended one, or a Problem."""


@dataclass(frozen=True, slots=True)
class Example:
    """A case a rule is for: its test and its documentation. `after` is the turn, or the reason code of the Problem."""

    title: str
    before: Turn
    after: Turn | str
    within: Conversation


@dataclass(frozen=True, slots=True)
class Rule:
    """A named function with its safety class, examples and documentation."""

    name: str
    safety: Safety
    apply: Apply
    examples: tuple[Example, ...]
    doc: str


def rule(safety: Safety, *examples: Example) -> Callable[[Apply], Rule]:
    """Make a function a rule, named as the function is."""

    def register(apply: Apply) -> Rule:
        return Rule(apply.__name__, safety, apply, examples, inspect.getdoc(apply) or "")

    return register


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules made of a turn. `raised` are rules that failed: ours to mend, and skipped here."""

    turn: Turn
    repairs: tuple[str, ...] = ()
    problem: Problem | None = None
    raised: tuple[str, ...] = ()


MAX_PASSES: Final = 4


Changed: TypeAlias = Callable[[Rule, Turn, Turn], None]
"""Is told of a change: the rule, the turn before it, and behind it."""


def repair(
    turn: Turn, within: Conversation, rules: Iterable[Rule], *, trap: bool = True, changed: Changed | None = None
) -> Verdict:
    """Run the rules in order until one finds a Problem, and attribute every change to its rule.

    What one rule mends another may have waited for: a key in a list that came as text has a schema once the list is read. So
    the rules run again until none has anything left to do.

    changed  is told of every change
    With `trap` a rule that raises is skipped and named in `Verdict.raised`; without it (tests) it raises.
    """
    chosen = [each for each in rules if each.safety != "guess" or within.policy.guess]
    tell = changed or (lambda rule, before, after: None)  # noqa: ARG005 - nobody wants to know
    last = _run(turn, within, chosen, tell, trap=trap)
    repairs = last.repairs
    for _ in range(MAX_PASSES - 1):
        if not last.repairs:
            break
        last = _run(last.turn, within, chosen, tell, trap=trap)
        repairs += tuple(name for name in last.repairs if name not in repairs)
    return replace(last, repairs=repairs)


def _run(turn: Turn, within: Conversation, rules: Iterable[Rule], tell: Changed, *, trap: bool) -> Verdict:
    repairs: list[str] = []
    raised: list[str] = []
    for each in rules:
        try:
            outcome = each.apply(turn, within)
        except Exception:  # the one place: a faulty rule must not cost the user a turn; it is reported as ours
            if not trap:
                raise
            raised.append(each.name)
            continue
        if isinstance(outcome, Problem):
            return Verdict(turn, tuple(repairs), outcome, tuple(raised))
        if outcome is not turn and outcome != turn:
            repairs.append(each.name)
            tell(each, turn, outcome)
            turn = outcome
    return Verdict(turn, tuple(repairs), None, tuple(raised))


def asks(tool: str, /, **arguments: Json) -> Turn:
    """Build an assistant's turn with one call, for examples and tests."""
    return Turn("assistant", calls=(ToolCall("c1", tool, arguments),))


def asks_with(tool: str, arguments: Arguments | str) -> Turn:
    """Build an assistant's turn with one call whose arguments are given as a value or as unread text."""
    return Turn("assistant", calls=(ToolCall("c1", tool, arguments),))


def declaring(*tools: ToolSpec) -> Conversation:
    """Build a conversation that only declares tools, for examples and tests."""
    return Conversation(tools)
