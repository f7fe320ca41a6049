"""Arguments that the tool does not declare and that mean nothing to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rules.base import Example, asks, declaring, rule
from rules.conversation import Conversation, Json, ToolCall, ToolSpec, Turn
from rules.kinds import lookup_of
from rules.mend_values import mend_calls
from rules.samples import TEXT, TOOLS, tool
from rules.undeclared import undeclared

CHATTER: Final = frozenset(
    {"reason", "reasoning", "explanation", "explain", "description", "thought", "thoughts", "thinking", "think", "summary"}
    | {"comment", "comments", "note", "notes", "rationale", "justification", "purpose", "intent"}
)
"""Keys under which models talk about a call; no tool that does not declare them does anything by them."""

_LABELS: Final = frozenset({"security_risk"})
"""Keys of a framework about the call, learned from tools that declare them."""

_PROSE: Final = (CHATTER - {"summary"}) | {"body", "message", "text", "content", "details", "title", "query"}
"""Properties that chatter may have been meant as: the `description` of an issue that is declared as its `body`. A declared
`summary` is not among them: OpenHands V1 declares one for every tool, as a label of the call."""

_REPLACE: Final = tool("str_replace", {"path": TEXT, "old_str": TEXT, "new_str": TEXT}, "path", "old_str")
_ISSUE: Final = tool("open_issue", {"title": TEXT, "body": TEXT}, "title")
_TERMINAL: Final = tool("terminal", {"command": TEXT, "summary": TEXT, "timeout": {"type": "number"}}, "command")
_WITHIN: Final = declaring(_REPLACE, _ISSUE, _TERMINAL)
_DELETES: Final = asks("str_replace", path="/a", old_str="x", new_string="y")
_DESCRIBES: Final = asks("open_issue", title="Tea", description="It is cold.")


@rule(
    "schema",
    Example("chatter", asks("wait", seconds=1, reason="tea"), asks("wait", seconds=1), TOOLS),
    Example(
        "all that is declared is given",
        asks("wait", seconds=1, loudly=True, minutes=0),
        asks("wait", seconds=1, loudly=True),
        TOOLS,
    ),
    Example("a label", asks("open_issue", title="Tea", security_risk="LOW"), asks("open_issue", title="Tea"), _WITHIN),
    Example("beside an unused label", asks("terminal", command="ls", reason="to see"), asks("terminal", command="ls"), _WITHIN),
    Example("perhaps meant as new_str, without which the text is deleted", _DELETES, _DELETES, _WITHIN),
    Example("perhaps meant as body", _DESCRIBES, _DESCRIBES, _WITHIN),
    Example("beside a missing one: perhaps it was meant", asks("wait", second=1), asks("wait", second=1), TOOLS),
    Example("a tool that declares none", asks("finish", reason="done"), asks("finish", reason="done"), TOOLS),
)
def drop_unknown_arguments(turn: Turn, within: Conversation) -> Turn:
    """Drop top-level arguments that the tool does not declare and cannot have been meant for it.

    Why: OpenHands and SWE-agent refuse a call with an argument too many; models add a `reason` of their own.
    Safety: the schema lists its properties and does not allow others in so many words, and no required one is missing. Then
        only chatter goes, where no text of its kind is left to give, and anything once every declared property is given.
        Any other may be a declared one under another name; without it the tool would do something else (`new_string`).
    """
    return mend_calls(turn, within, _without_chatter)


def _without_chatter(call: ToolCall, spec: ToolSpec) -> ToolCall:
    found = undeclared(call, spec)
    if not found.strange or isinstance(call.arguments, str):
        return call
    prose = [lookup_of(spec.parameters).member(spec.parameters, name) for name in _PROSE.intersection(found.missing)]
    dropped = {name for name in found.strange if not found.missing or _is_idle(name, call.arguments[name], prose, spec)}
    return call.having({name: value for name, value in call.arguments.items() if name not in dropped}) if dropped else call


def _is_idle(name: str, value: Json, prose: Sequence[Json], spec: ToolSpec) -> bool:
    """Say whether an argument is about the call, and could not be meant as any of these properties for prose."""
    lookup = lookup_of(spec.parameters)
    return name in _LABELS or (name in CHATTER and not any(lookup.admits(value, each) for each in prose))
