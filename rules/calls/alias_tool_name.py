"""Names of tools that the model knows from elsewhere."""

from __future__ import annotations

from dataclasses import replace

from rules.base import Example, asks, rule
from rules.conversation import Conversation, Policy, ToolCall, ToolSpec, Turn
from rules.declared_tool import declared_tool
from rules.samples import BASH, TOOLS

_ALIASES = Conversation((BASH,), policy=Policy(tool_aliases={"bash": "execute_bash"}))


@rule(
    "guess",
    Example("an alias", asks("bash", command="ls"), asks("execute_bash", command="ls"), _ALIASES),
    Example("an alias in a namespace", asks("functions.Bash", command="ls"), asks("execute_bash", command="ls"), _ALIASES),
    Example("no alias is configured", asks("bash", command="ls"), asks("bash", command="ls"), TOOLS),
)
def alias_tool_name(turn: Turn, within: Conversation) -> Turn:
    """Give a call of an undeclared tool the declared name that the profile lists for it.

    Why: models were trained on `bash` and call it where the client declares `execute_bash`.
    Safety: only an undeclared name, only to a declared one, only as listed in `Policy.tool_aliases`, namespaces and case aside.
    """
    calls = tuple(_aliased(call, within) for call in turn.calls)
    return turn if calls == turn.calls else replace(turn, calls=calls)


def _aliased(call: ToolCall, within: Conversation) -> ToolCall:
    aliases = within.policy.tool_aliases
    if not aliases or within.tool(call.name) is not None:
        return call
    alias = declared_tool(call.name, tuple(map(ToolSpec, aliases)))
    target = aliases[alias.name] if alias else ""
    return call if within.tool(target) is None else replace(call, name=target)
