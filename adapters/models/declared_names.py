"""The names of the declared tools, as models write them: what may begin one, and which tool is meant."""

from __future__ import annotations

from rules.calls.match_tool_name import match_tool_name
from rules.conversation import Conversation, ToolCall, Tools, ToolSpec, Turn

_NAMESPACES = ("", "default_api.", "functions.", "function.", "tools.", "tool.", "multi_tool_use.")


class DeclaredNames:
    """Answers what a bare name means. It is a declared tool's by the rule that will match it, no other way."""

    def __init__(self, tools: Tools) -> None:
        self._within = Conversation(tools)
        self._written = frozenset(_folded(f"{space}{tool.name}") for tool in tools for space in _NAMESPACES)

    def meant(self, name: str) -> ToolSpec | None:
        """Return the declared tool that a name is written for."""
        return _meant(name, self._within) if _folded(name) in self._written else None

    def may_begin(self, text: str) -> bool:
        """Tell whether text is how a declared tool's name begins."""
        begun = _folded(text)
        return any(name.startswith(begun) for name in self._written)


def _meant(name: str, within: Conversation) -> ToolSpec | None:
    matched = match_tool_name.apply(Turn("assistant", calls=(ToolCall("", name, {}),)), within)
    return within.tool(matched.calls[0].name) if isinstance(matched, Turn) else None


def _folded(name: str) -> str:
    return name.casefold().replace("-", "_")
