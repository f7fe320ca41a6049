"""Required values that the operator has decided for the model."""

from __future__ import annotations

from dataclasses import replace

from rules.base import Example, asks, rule
from rules.conversation import Conversation, Policy, ToolCall, ToolSpec, Turn
from rules.kinds import lookup_of
from rules.mend_values import mend_calls
from rules.samples import STRICT_BASH

_FILLS = Conversation((STRICT_BASH,), policy=Policy(fill={"security_risk": "MEDIUM"}))
_WRONG = Conversation((STRICT_BASH,), policy=Policy(fill={"security_risk": "NONE"}))
_SILENT = replace(_FILLS, policy=Policy())


@rule(
    "policy",
    Example("missing", asks("execute_bash", command="ls"), asks("execute_bash", command="ls", security_risk="MEDIUM"), _FILLS),
    Example(
        "given",
        asks("execute_bash", command="ls", security_risk="LOW"),
        asks("execute_bash", command="ls", security_risk="LOW"),
        _FILLS,
    ),
    Example("no policy", asks("execute_bash", command="ls"), asks("execute_bash", command="ls"), _SILENT),
    Example("not among the choices", asks("execute_bash", command="ls"), asks("execute_bash", command="ls"), _WRONG),
)
def fill_by_policy(turn: Turn, within: Conversation) -> Turn:
    """Fill in a required value that is missing, as the profile says.

    Why: OpenHands 0.59 requires `security_risk` and leaves it out of its own example.
    Safety: only properties that the operator named, that the tool requires, and whose schema takes the value.
    """
    if not within.policy.fill:
        return turn

    def filled(call: ToolCall, spec: ToolSpec) -> ToolCall:
        if isinstance(call.arguments, str):
            return call
        lookup = lookup_of(spec.parameters)
        missing = lookup.required(spec.parameters) - call.arguments.keys()
        added = {
            name: value
            for name, value in within.policy.fill.items()
            if name in missing and lookup.admits(value, lookup.member(spec.parameters, name))
        }
        return call.having({**call.arguments, **added}) if added else call

    return mend_calls(turn, within, filled)
