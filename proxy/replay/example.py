"""Prints what pins a recorded turn: an example of a rule as Python source, or a line of the corpus."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from proxy.replay.corpus_line import corpus_line
from proxy.replay.first_answer import First, first_answer
from proxy.replay.prune import Case, pruned
from proxy.replay.run import Entry, Terms
from proxy.replay.source import Node, call, lay_out, node_of, text
from rules.base import Problem, Verdict
from rules.conversation import Conversation, Turn
from rules.registry import RULES

IN_TEXT: Final = ("model-format", "engine-parser")
"""Classes of faults that stand in the text: what a decoder, and no rule, has to read."""


class NoExample(Exception):
    """No example would pin the turn. Its text says why."""


async def example_of(entry: Entry, terms: Terms) -> str:
    """Return what pins a turn, as lines of text. Raises NoExample, NotReplayable."""
    first = first_answer(entry, terms)
    if entry["class"] in IN_TEXT and first.is_text:
        line = corpus_line(entry, first)
        if line is not None:
            return line
    return await asyncio.to_thread(rule_example, entry, first)


def rule_example(entry: Entry, first: First) -> str:
    """Return the source of an Example: the first answer before the rules, and what they make of it. Raises NoExample."""
    case = Case(first.written, first.plan.conversation)
    verdict = case.verdict()
    if verdict.problem is None and not verdict.repairs:
        raise NoExample(
            f"no rule has to do with it: {entry['outcome']}, {entry['class'] or 'no class'}, {entry['reason'] or 'no reason'}"
        )
    case = pruned(case)
    verdict = case.verdict()
    after = _turn(verdict.turn) if verdict.problem is None else text(verdict.problem.reason)
    title = f"{entry['reason']}, as {entry['model']} wrote it"
    made = call("Example", text(title), _turn(case.turn), after, _within(case.within))
    return f"# {_rules(case, verdict)}; turn {entry['turn']}\n{lay_out(made)},"


def _rules(case: Case, verdict: Verdict) -> str:
    """Name the rules that have to do with it, in the order in which they act."""
    asks = [each.name for each in RULES if verdict.problem and isinstance(each.apply(verdict.turn, case.within), Problem)][:1]
    return "by " + ", ".join((*verdict.repairs, *asks))


def _turn(turn: Turn) -> Node:
    """Write a turn, by the shortest of what examples are written with."""
    if len(turn.calls) != 1 or turn != Turn("assistant", calls=(replace(turn.calls[0], id="c1", whole=True),)):
        return node_of(turn)
    made = turn.calls[0]
    if isinstance(made.arguments, str) or not all(_is_keyword(name) for name in made.arguments):
        return call("asks_with", text(made.name), node_of(made.arguments))
    return call("asks", text(made.name), *((f"{name}=", node_of(value)) for name, value in made.arguments.items()))


def _is_keyword(name: str) -> bool:
    """Tell whether a name can stand before `=` in a call."""
    try:
        compile(f"f({name}=0)", "", "eval")
    except (SyntaxError, ValueError):
        return False
    return name.isidentifier()


def _within(within: Conversation) -> Node:
    if within == Conversation(within.tools):
        return call("declaring", *(node_of(tool) for tool in within.tools))
    return node_of(within)
