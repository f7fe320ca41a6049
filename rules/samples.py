"""Tools that the examples of rules use."""

from __future__ import annotations

from typing import Final

from rules.base import declaring
from rules.conversation import Conversation, Json, ToolSpec


def tool(name: str, properties: dict[str, Json], *required: str) -> ToolSpec:
    """Declare a tool with these properties."""
    return ToolSpec(name, "", {"type": "object", "properties": properties, "required": list(required)})


TEXT: Final[Json] = {"type": "string"}
RISK: Final[Json] = {"type": "string", "enum": ["LOW", "MEDIUM", "HIGH"]}

BASH: Final = tool(
    "execute_bash",
    {"command": TEXT, "is_input": {"type": "string", "enum": ["true", "false"]}, "security_risk": RISK},
    "command",
)
STRICT_BASH: Final = tool("execute_bash", {"command": TEXT, "security_risk": RISK}, "command", "security_risk")
WAIT: Final = tool("wait", {"seconds": {"type": "integer"}, "loudly": {"type": "boolean"}}, "seconds")
EDITOR: Final = tool(
    "str_replace_editor",
    {
        "command": {"type": "string", "enum": ["view", "create"]},
        "path": TEXT,
        "view_range": {"type": "array", "items": {"type": "integer"}},
    },
    "command",
    "path",
)
TODOS: Final = tool(
    "set_todos",
    {
        "todos": {
            "type": "array",
            "items": {"type": "object", "properties": {"title": TEXT, "done": {"type": "boolean"}}},
        }
    },
    "todos",
)
FINISH: Final = tool("finish", {})

TOOLS: Final[Conversation] = declaring(BASH, WAIT, EDITOR, TODOS, FINISH)
