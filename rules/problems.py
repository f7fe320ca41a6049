"""Problems that more than one place has to state in the same words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rules.advice import capped, quoted
from rules.base import Problem
from rules.conversation import Conversation, ToolCall, Turn
from rules.schema import Finding, Uncheckable, findings, is_plain_tool

MAX_ADVICE: Final = 5
"""Findings told at once; a model that has mended five of them is asked about the rest."""


def problem_from(call: ToolCall, found: Sequence[Finding]) -> Problem:
    """Turn what is wrong with a call's arguments into a Problem. `found` is not empty."""
    missing = [each for each in found if each.keyword == "required"]
    first = (missing or list(found))[0]
    lines = [capped(f"{each.path}: {each.message}") for each in (*missing, *(e for e in found if e not in missing))]
    advice = "\n".join([f"The arguments of {quoted(call.name)} do not fit its schema.", *lines[:MAX_ADVICE]])
    members = tuple(dict.fromkeys(each.member for each in found)) if all(each.member for each in found) else ()
    reason = "missing-arguments" if missing else "wrong-arguments"
    return Problem(reason, "model-arguments", advice, call, first.path, members)


def judge(call: ToolCall, within: Conversation) -> list[Finding]:
    """Return what is wrong with a call as far as that can be told here: nothing where only the worker may judge."""
    spec = within.tool(call.name)
    if spec is None or isinstance(call.arguments, str) or not is_plain_tool(spec):
        return []
    try:
        return findings(call, spec)
    except Uncheckable:  # the schema is at fault, not the call
        return []


def is_truncated(call: ToolCall, turn: Turn) -> bool:
    """Say whether a call may lack its end: nothing closed it, and the model did not end the turn by itself."""
    return not call.whole and turn.ending != "stop"
