"""Calls of tools that nobody declared."""

from __future__ import annotations

from typing import Final

from rules.advice import capped, listed, quoted
from rules.base import Example, Problem, asks, declaring, rule
from rules.conversation import Conversation, Tools, Turn
from rules.declared_tool import written_for
from rules.samples import TOOLS, tool

_NONE: Final = "There are no tools; answer in text."
_ALIKE: Final = declaring(tool("note", {}), tool("NOTE", {}))


@rule(
    "form",
    Example("a tool that only resembles one", asks("wait_console"), "unknown-tool", TOOLS),
    Example("two tools that it may be", asks("Note"), "unknown-tool", _ALIKE),
    Example("a declared tool", asks("finish"), asks("finish"), TOOLS),
)
def refuse_unknown_tool(turn: Turn, within: Conversation) -> Turn | Problem:
    """Refuse a call of a tool that is not declared, and list those that are, the nearest first.

    Why: clients answer `Tool X is not registered`, drop the turn, and hear the same again.
    Safety: nothing is run; the nearest name is not taken, since it may do something else.
    """
    for call in turn.calls:
        if within.tool(call.name) is None:
            known = f"The tools are: {listed(_nearest_first(call.name, within.tools))}." if within.tools else _NONE
            advice = capped(f"There is no tool {quoted(call.name)}. {known}")
            return Problem("unknown-tool", "model-name", advice, call)
    return turn


def _nearest_first(name: str, tools: Tools) -> list[str]:
    """Return the names of the tools; before all others those that a name may be written for, of which none could be chosen."""
    names = tuple(tool.name for tool in tools)
    near = [names[at] for at in written_for(name, names)]
    return [*near, *(each for each in names if each not in near)]
