"""The names of the declared tools, as models write them: what may begin one, and which tool is meant."""

from __future__ import annotations

from rules.conversation import Tools, ToolSpec
from rules.declared_tool import declared_tool, folded

_NAMESPACES = ("", "default_api.", "functions.", "function.", "tools.", "tool.", "multi_tool_use.")


class DeclaredNames:
    """Answers what a bare name means. It is a declared tool's by the rule that will match it, no other way."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._written = frozenset(folded(f"{space}{tool.name}") for tool in tools for space in _NAMESPACES)

    def meant(self, name: str) -> ToolSpec | None:
        """Return the declared tool that a name is written for."""
        return declared_tool(name, self._tools) if folded(name) in self._written else None

    def may_begin(self, text: str) -> bool:
        """Tell whether text is how a declared tool's name begins."""
        begun = folded(text)
        return any(name.startswith(begun) for name in self._written)
