"""Arguments that the tool does not declare, but may have been meant for it."""

from __future__ import annotations

from typing import Final

from rules.advice import capped, listed, quoted
from rules.base import Example, Problem, asks, declaring, rule
from rules.conversation import Conversation, ToolSpec, Turn
from rules.samples import TEXT, TOOLS, tool
from rules.undeclared import undeclared

_REPLACE: Final = tool("str_replace", {"path": TEXT, "old_str": TEXT, "new_str": TEXT}, "path", "old_str")
_DELETE: Final = tool("delete", {"path": TEXT, "dry_run": {"type": "boolean"}}, "path")
_TAG: Final = ToolSpec("tag", "", {"properties": {"name": TEXT}, "required": ["name"], "additionalProperties": True})
_WITHIN: Final = declaring(_REPLACE, _DELETE, _TAG)


@rule(
    "schema",
    Example("a near name", asks("str_replace", path="/a", old_str="x", new_string="y"), "unknown-arguments", _WITHIN),
    Example("another spelling", asks("delete", path="/a", dryRun=True), "unknown-arguments", _WITHIN),
    Example("a tool that takes any", asks("tag", name="a", color="red"), asks("tag", name="a", color="red"), _WITHIN),
    Example("a right call", asks("wait", seconds=1), asks("wait", seconds=1), TOOLS),
)
def refuse_unknown_arguments(turn: Turn, within: Conversation) -> Turn | Problem:
    """Refuse a call with an argument that is not declared while a declared one is not given.

    Why: OpenHands refuses it; other clients ignore it and run `str_replace` without its new text, or `delete` without its
        dry run.
    Safety: nothing is run. Only where the schema lists its properties and does not allow others in so many words.
    """
    for call in turn.calls:
        spec = within.tool(call.name)
        found = undeclared(call, spec) if spec else None
        if found and found.strange:
            lines = (
                f"{quoted(call.name)} has no argument {listed(found.strange[:3])}.",
                f"Declared and not given: {listed(found.missing)}." if found.missing else "",
                "Use the declared names, or leave the argument out.",
            )
            advice = "\n".join(capped(line) for line in lines if line)
            return Problem("unknown-arguments", "model-arguments", advice, call)
    return turn
