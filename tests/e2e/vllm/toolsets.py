"""The sets of tools that the ladder is climbed with: names and schemas alone, as the frameworks declare them."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
LINE: Schema = {"type": "integer"}
RISK: Schema = {"type": "string", "enum": ["LOW", "MEDIUM", "HIGH"]}
EDITS: Schema = {"type": "string", "enum": ["view", "create", "str_replace", "insert", "undo_edit"]}


def _object(properties: dict[str, Schema], *required: str, **more: Any) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required), **more}


_TASK = _object(
    {"id": TEXT, "title": TEXT, "status": {"type": "string", "enum": ["todo", "in_progress", "done"]}, "notes": TEXT},
    *("title", "status", "id"),
    additionalProperties=False,
)
_EDITOR = {
    "command": EDITS,
    "path": TEXT,
    "file_text": TEXT,
    "old_str": TEXT,
    "new_str": TEXT,
    "insert_line": LINE,
    "view_range": {"type": "array", "items": LINE},
}

OPENHANDS: dict[str, Schema] = {
    # the nine that OpenHands 0.59 can declare at once, and two as its users plug them in over MCP
    "execute_bash": _object(
        {
            "command": TEXT,
            "is_input": {"type": "string", "enum": ["true", "false"]},
            "timeout": {"type": "number"},
            "security_risk": RISK,
        },
        *("command", "security_risk"),
    ),
    "think": _object({"thought": TEXT}, "thought"),
    "finish": _object({"message": TEXT}, "message"),
    "request_condensation": _object({}),
    "browser": _object({"code": TEXT, "security_risk": RISK}, "code", "security_risk"),
    "execute_ipython_cell": _object({"code": TEXT, "security_risk": RISK}, "code", "security_risk"),
    "task_tracker": _object(
        {"command": {"type": "string", "enum": ["view", "plan"]}, "task_list": {"type": "array", "items": _TASK}},
        "command",
        additionalProperties=False,
    ),
    "edit_file": _object(
        {"path": TEXT, "content": TEXT, "start": LINE, "end": LINE, "security_risk": RISK}, "path", "content", "security_risk"
    ),
    "str_replace_editor": _object({**_EDITOR, "security_risk": RISK}, "command", "path", "security_risk"),
    "fetch": _object(
        {
            "url": {"type": "string", "format": "uri", "minLength": 1},
            "max_length": {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 1000000, "default": 5000},
            "raw": {"type": "boolean", "default": False},
        },
        "url",
    ),
    "query": _object(
        {
            "sql": TEXT,
            "limit": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 100}, {"type": "null"}]},
            "format": {"oneOf": [{"const": "json"}, {"const": "csv"}]},
        },
        *("sql", "format"),
        additionalProperties=False,
    ),
}

SWE_AGENT: dict[str, Schema] = {
    "bash": _object({"command": TEXT}, "command"),
    "str_replace_editor": _object(_EDITOR, "command", "path"),
    "submit": _object({}),
}

SHAPES: dict[str, Schema] = {
    "nested": _object(
        {
            "target": _object(
                {"file": TEXT, "span": _object({"from": LINE, "to": LINE}, "from", "to", additionalProperties=False)},
                *("file", "span"),
                additionalProperties=False,
            )
        },
        "target",
    ),
    "choice": _object({"level": {"type": "string", "enum": ["low", "mid", "high"]}, "on": {"type": "boolean"}}, "level", "on"),
    "either": _object({"value": {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 99}, {"enum": ["auto"]}]}}, "value"),
    "list": _object(
        {"rows": {"type": "array", "items": _object({"key": TEXT, "n": LINE}, "key", "n"), "minItems": 1, "maxItems": 3}}, "rows"
    ),
    "bounded": _object(
        {"name": {"type": "string", "minLength": 1, "pattern": "."}, "n": {"type": "integer", "minimum": 1}}, "name", "n"
    ),
    "linked": {
        **_object({"node": {"$ref": "#/$defs/node"}}, "node"),
        "$defs": {"node": _object({"id": LINE, "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}}, "id", "next")},
    },
    "nothing": _object({}),
}

TOOLSETS = {"openhands": OPENHANDS, "swe_agent": SWE_AGENT, "shapes": SHAPES}


def declared(tools: dict[str, Schema]) -> list[dict[str, Any]]:
    """Return tools as a request declares them."""
    return [{"type": "function", "function": {"name": name, "parameters": schema}} for name, schema in tools.items()]
