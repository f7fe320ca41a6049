"""What a declared tool says of its parameters, at the top of its schema."""

from __future__ import annotations

from rules.conversation import ToolSpec


def properties(tool: ToolSpec | None) -> frozenset[str]:
    """Return the names of a tool's declared parameters."""
    found = tool.parameters.get("properties") if tool else None
    return frozenset(found) if isinstance(found, dict) else frozenset()


def needs_nothing(tool: ToolSpec) -> bool:
    """Say whether a tool can be called without arguments."""
    return not tool.parameters.get("required")


def takes_more(tool: ToolSpec | None) -> bool:
    """Tell whether a tool may be given parameters that are not declared."""
    if tool is None or not properties(tool):
        return True
    return bool(tool.parameters.get("additionalProperties") or tool.parameters.get("patternProperties"))
