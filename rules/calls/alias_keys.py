"""Keys that the model knows from other tools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from rules.base import Example, asks, rule
from rules.conversation import Conversation, Policy, ToolCall, ToolSpec, Turn
from rules.kinds import lookup_of
from rules.mend_values import mend_calls
from rules.object_keys import keys_of, may_be, renamed, unrivalled
from rules.samples import TOOLS
from rules.spelling import squeezed

_POLICY: Final = Policy(key_aliases={"execute_bash": {"cmd": "command", "script": "command"}, "wait": {"duration": "seconds"}})
_ALIASES: Final = replace(TOOLS, policy=_POLICY)
_BOTH: Final = asks("execute_bash", command="ls", cmd="x")
_TWO: Final = asks("execute_bash", cmd="ls", script="ls -la")


@rule(
    "guess",
    Example("an alias", asks("execute_bash", cmd="ls"), asks("execute_bash", command="ls"), _ALIASES),
    Example("in other letters", asks("execute_bash", CMD="ls"), asks("execute_bash", command="ls"), _ALIASES),
    Example("given under its own name", _BOTH, _BOTH, _ALIASES),
    Example("two of them", _TWO, _TWO, _ALIASES),
    Example("a value that does not fit", asks("wait", duration="long"), asks("wait", duration="long"), _ALIASES),
    Example("no alias is listed", asks("execute_bash", cmd="ls"), asks("execute_bash", cmd="ls"), TOOLS),
)
def alias_keys(turn: Turn, within: Conversation) -> Turn:
    """Give an argument the declared name that its client's table lists for the key it came under.

    Why: models were trained on `cmd` and `file_path` and write them where the client declares `command` and `path`.
    Safety: only as listed in `Policy.key_aliases` for this tool; the key is not declared, the property is, is not given, and can
        take the value. Where other keys are allowed, only a property that the schema requires.
    """
    if not within.policy.key_aliases:
        return turn
    return mend_calls(turn, within, lambda call, spec: _aliased(call, spec, within.policy.key_aliases.get(spec.name, {})))


def _aliased(call: ToolCall, spec: ToolSpec, aliases: Mapping[str, str]) -> ToolCall:
    if isinstance(call.arguments, str) or not aliases:
        return call
    lookup = lookup_of(spec.parameters)
    keys = keys_of(call.arguments, spec.parameters, lookup)
    known = {squeezed(alias): name for alias, name in aliases.items()} if keys.strange else {}
    meant = unrivalled({key: known[squeezed(key)] for key in keys.strange if squeezed(key) in known})
    names = {
        key: name
        for key, name in meant.items()
        if name in keys.wanted and may_be(call.arguments[key], lookup.member(spec.parameters, name), lookup)
    }
    return call.having(renamed(call.arguments, names)) if names else call
