"""Values that the client's own history would break on."""

from __future__ import annotations

from dataclasses import replace

from rules.advice import capped, json_path, quoted
from rules.base import Example, Problem, asks, rule
from rules.conversation import Conversation, Json, Policy, ToolCall, Turn
from rules.samples import TOOLS

_OPENHANDS = replace(TOOLS, policy=Policy(forbidden=("</function",)))


@rule(
    "policy",
    Example("an end tag", asks("execute_bash", command="echo '</function>'"), "uncarriable-value", _OPENHANDS),
    Example("inside a list", asks("set_todos", todos=[{"title": "</function>"}]), "uncarriable-value", _OPENHANDS),
    Example("nothing of the kind", asks("execute_bash", command="ls"), asks("execute_bash", command="ls"), _OPENHANDS),
    Example(
        "a client that can take it",
        asks("execute_bash", command="echo '</function>'"),
        asks("execute_bash", command="echo '</function>'"),
        TOOLS,
    ),
)
def refuse_forbidden(turn: Turn, within: Conversation) -> Turn | Problem:
    """Refuse a value with a text in it that the client cannot carry through its history.

    Why: OpenHands 0.59 parses its whole history by regular expression on every turn; one `</function>` in a value is run
        once, and every later turn of the session fails.
    Safety: nothing is run; only texts that the profile lists.
    """
    for call in turn.calls if within.policy.forbidden else ():
        found = _find(call, within.policy.forbidden)
        if found:
            path, text = found
            advice = capped(
                f"{path} of {quoted(call.name)} contains {quoted(text)}, which cannot be passed on here. "
                "Write the value in another way, e.g. build that text from pieces in a script."
            )
            return Problem("uncarriable-value", "model-arguments", advice, call, path)
    return turn


def _find(call: ToolCall, forbidden: tuple[str, ...]) -> tuple[str, str] | None:
    arguments: Json = call.arguments if isinstance(call.arguments, str) else dict(call.arguments)
    waiting: list[tuple[tuple[str | int, ...], Json]] = [((), arguments)]
    while waiting:
        steps, value = waiting.pop()
        text = value if isinstance(value, str) else ""
        hit = next((each for each in forbidden if each and each in text), None)
        if hit:
            return json_path(steps[:20]), hit
        if isinstance(value, dict):
            waiting += [((*steps, name), name) for name in value]
            waiting += [((*steps, name), each) for name, each in value.items()]
        elif isinstance(value, list):
            waiting += [((*steps, at), each) for at, each in enumerate(value)]
    return None
