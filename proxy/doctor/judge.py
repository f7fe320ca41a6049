"""Judges one answer of a model: by the name of the tool, its schema and the task's key facts, never by its wording."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from proxy.doctor.scenarios import Want
from rules.conversation import ToolCall, Tools
from rules.schema import findings

Grade = Literal["right", "detour", "no-call", "empty", "only-thought", "cut", "unreadable", "unknown-tool", "invalid", "wrong"]
"""What an answer is.

right         a valid call that the task asks for
detour        a valid call that it does not ask for, in a loop that bears some
no-call       text without a call
empty         nothing at all
only-thought  reasoning, and nothing beside it
cut           a limit ended it before there was a right call
unreadable    a call whose arguments are no JSON object
unknown-tool  a call of a tool that is not declared
invalid       a call that breaks its schema, or, in the text protocol, what the framework demands
wrong         a valid call that the task does not ask for
"""

SHOWN: Final = 120
"""Characters of an answer that are quoted."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A grade, what is behind it in words, and the call, where there is one that can be carried out."""

    grade: Grade
    words: str = ""
    call: ToolCall | None = None


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why no call can be taken out of an answer."""

    grade: Grade
    words: str


def judged(calls: Sequence[ToolCall] | Wrong, wants: Sequence[Want]) -> Outcome:
    """Judge the valid calls of one answer: the first one that is wanted counts."""
    if isinstance(calls, Wrong):
        return Outcome(calls.grade, calls.words)
    found = next((call for call in calls if any(fits(call, want) for want in wants)), None)
    return Outcome("right", call=found) if found else Outcome("wrong", f"it called {shown(calls[0])}", calls[0])


def invalid(call: ToolCall, tools: Tools) -> Wrong | None:
    """Say what is wrong with a call by what was declared; None where nothing is."""
    spec = next((tool for tool in tools if tool.name == call.name), None)
    if spec is None:
        return Wrong("unknown-tool", f'it called "{call.name[:SHOWN]}", which is not declared')
    if isinstance(call.arguments, str):
        return Wrong("unreadable", f"the arguments of {call.name} are no JSON object: {quoted(call.arguments)}")
    found = findings(call, spec)
    return Wrong("invalid", f"{call.name}: " + "; ".join(f"{each.path} {each.message}" for each in found[:3])) if found else None


def fits(call: ToolCall, want: Want) -> bool:
    """Tell whether a call is the wanted one."""
    if call.name != want.name or isinstance(call.arguments, str):
        return False
    return all(
        key in call.arguments and fact.casefold() in _text(call.arguments[key]).casefold() for key, fact in want.facts.items()
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def shown(call: ToolCall) -> str:
    """Write a call in a few words."""
    arguments = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments, ensure_ascii=False)
    return f"{call.name}({arguments[:SHOWN]}{'...' if len(arguments) > SHOWN else ''})"


def quoted(text: str) -> str:
    """Quote the beginning of a text in a line."""
    flat = " ".join(text.split())
    return json.dumps(flat[:SHOWN] + ("..." if len(flat) > SHOWN else ""), ensure_ascii=False)
