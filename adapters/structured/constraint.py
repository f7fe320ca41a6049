"""What a model is asked for under a grammar: some arguments of a call, all of them, or a call of any tool; and what comes of it.

A model that is held to JSON of a schema cannot miss an argument, nor write another type. How it is held to it is its server's
matter (`forms.py`); what it wrote is read as if nothing had held it, and judged by the full schema in the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from adapters.structured.relaxed import Unbuildable, relaxed, relaxed_calls
from rules.base import Problem
from rules.conversation import Conversation, Json, Schema, ToolCall, Turn
from rules.members import required_of
from rules.read_json import Reading, read_json

Rung: TypeAlias = Literal["members", "arguments", "call", "words"]
"""What is asked for.

members    the arguments that are missing or wrong, under a grammar: a few tokens, whatever else is in the call
arguments  all arguments of the tool that was called, under a grammar
call       a call of any of the tools, under a grammar
words      the answer again, in words alone
"""

RUNGS: Final[Mapping[str, tuple[Rung, ...]]] = {
    "missing-arguments": ("members", "words", "arguments"),
    "wrong-arguments": ("members", "words", "arguments"),
    "unknown-arguments": ("words", "arguments"),
    "unreadable-arguments": ("words", "arguments"),
    "unreadable-call": ("words", "call"),
    "unknown-tool": ("words", "call"),
    "truncated": ("words", "call"),
    "call-required": ("words", "call"),
}
"""Reason of a problem -> what is asked for, one after the other. All else is asked for in words.

Words come before a whole call under a grammar: told what is wrong, a model may think better of it, and a grammar, which knows no
form but JSON, is not what it was trained to write calls in.
"""


@dataclass(frozen=True, slots=True)
class Constraint:
    """What is asked for under a grammar.

    call    the call that it completes or takes the place of; None: the turn has none
    names   arguments that are asked for, where it is not all of them
    needed  those of them that the tool cannot do without; the others the model may leave out
    schema  what the grammar is built from
    """

    rung: Rung
    call: ToolCall | None
    schema: Schema
    names: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()

    def settled(self, turn: Turn, text: str) -> Turn | None:
        """Return the turn with its call completed by what the model wrote; None where that is not what was asked for."""
        reading = read_json(text.strip())
        value = reading.value if isinstance(reading, Reading) else None
        made = self._made(value) if isinstance(value, dict) else None
        if made is None:
            return None
        if self.call is None:
            return replace(turn, calls=(made,), ending="stop")
        calls = tuple(replace(made, id=each.id) if _same(each, self.call) else each for each in turn.calls)
        return replace(turn, calls=calls, ending="stop")

    def _made(self, value: dict[str, Json]) -> ToolCall | None:
        if self.rung == "call":
            name, arguments = value.get("name"), value.get("arguments")
            return ToolCall("", name, arguments) if isinstance(name, str) and isinstance(arguments, dict) else None
        assert self.call is not None
        if self.rung == "arguments":
            return replace(self.call, whole=True).having(value)
        if not set(self.needed) <= value.keys():
            return None
        before = {} if isinstance(self.call.arguments, str) else self.call.arguments
        kept = {name: each for name, each in before.items() if name not in self.names}
        return self.call.having(kept | {name: each for name, each in value.items() if name in self.names})


def _same(one: ToolCall, other: ToolCall) -> bool:
    """Tell whether two calls are the same; one may have got its id since."""
    return (one.name, one.arguments, one.whole) == (other.name, other.arguments, other.whole)


def constraint_for(rung: Rung, problem: Problem, turn: Turn, within: Conversation) -> Constraint | None:
    """Return what to ask for; None where this rung does not fit the problem, or no grammar can be built."""
    call = problem.call
    if call is not None and sum(_same(each, call) for each in turn.calls) != 1:
        return None
    try:
        if rung == "call":
            return Constraint(rung, call, relaxed_calls(within.tools)) if within.tools else None
        spec = within.tool(call.name) if call is not None else None
        if call is None or spec is None or not call.whole:
            return None
        if rung == "arguments":
            return Constraint(rung, call, relaxed(spec.parameters))
        if not problem.members or isinstance(call.arguments, str):
            return None
        needed = tuple(each for each in problem.members if each in required_of([spec.parameters]) or each not in call.arguments)
        return Constraint(rung, call, relaxed(spec.parameters, problem.members, needed), problem.members, needed)
    except Unbuildable:
        return None
