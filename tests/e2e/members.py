"""Arguments that are left out or wrong at first, and come under a grammar then, on every kind of server."""

from __future__ import annotations

from typing import Any

TEXT = "one line of a file\n" * 20
MEMBERS: dict[str, tuple[dict[str, Any], Any]] = {
    # what is asked for, and a wrong value for it
    "enum": ({"type": "string", "enum": ["LOW", "MEDIUM", "HIGH"]}, "SOME"),
    "boolean": ({"type": "boolean"}, "perhaps"),
    "integer": ({"type": "integer", "minimum": 1, "maximum": 9}, "many"),
    "either": ({"anyOf": [{"type": "integer", "minimum": 0, "maximum": 99}, {"type": "null"}]}, "either"),
    "choices": ({"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1, "maxItems": 3}, "both"),
    "nested": (
        {
            "type": "object",
            "properties": {"mode": {"enum": ["r", "w"]}, "deep": {"type": "object", "properties": {"on": {"type": "boolean"}}}},
            "required": ["mode"],
            "additionalProperties": False,
        },
        "none",
    ),
}
