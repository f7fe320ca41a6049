"""Tools with every kind of argument that dialects write differently."""

from __future__ import annotations

from rules.conversation import Tools, ToolSpec

TOOLS: Tools = (
    ToolSpec(
        "edit_file",
        "Edit a file.",
        {
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "text": {"type": "string"},
                "line": {"type": "integer"},
                "ratio": {"type": "number"},
                "force": {"type": "boolean"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "options": {"type": "object", "properties": {"depth": {"type": "integer"}}},
            },
            "required": ["path"],
        },
    ),
    ToolSpec("stop", "Stop.", {"type": "object", "properties": {}}),
    ToolSpec(
        "bash", "Run a command.", {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}
    ),
)
