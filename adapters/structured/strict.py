"""`strict: true` on a tool: vLLM then holds the arguments to their schema, with its qwen and hermes parsers.

Measured on vLLM 0.32 with random weights, blanks made unlikely, where the client demands a call (`tool_choice` a function or
`required`): with hermes 10 of 10 are valid with it and 0 without, with qwen3_xml 30 of 30 (blanks around values are ours to take
off) and 0 without; gemma4 is held to nothing either way. Where blanks are as likely as anything else most answers run on, and are
asked for otherwise (docs/ladder.md). The flag stands in the prompt as chat templates write it: it must not come and go within a
conversation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from adapters.base import Message
from rules.kept import worked_out

_SAYING: Final = frozenset(
    {"title", "description", "default", "examples", "$schema", "$id", "$comment", "deprecated", "readOnly"}
)
"""Keywords that ask for nothing."""

_BORNE: Final = frozenset(
    {"type", "enum", "const", "required", "properties", "items", "anyOf", "additionalProperties"}
    | {"minimum", "maximum", "minItems", "maxItems"}
)
"""Keywords that xgrammar 0.2.8 holds a model to as they stand. A length bound or a pattern forbids every escape (xgrammar#800),
and others decide the backend of the whole process (vllm#55152)."""

MAX_DEPTH: Final = 16


@worked_out
def with_strict(tools: list[Message]) -> list[Message]:
    """Return tools, in the form of OpenAI's API, with `strict` where it helps and does no harm.

    Never on a tool without arguments (vllm#50989: blanks without end), nor where the client said something about it itself.
    """
    strict = [_tool(tool) for tool in tools]
    return tools if strict == tools else strict


def _tool(tool: Message) -> Message:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict) or "strict" in function:
        return tool
    parameters = function.get("parameters")
    if not isinstance(parameters, dict) or not parameters.get("required") or not parameters.get("properties"):
        return tool
    return {**tool, "function": {**function, "strict": True}} if _bears(parameters, MAX_DEPTH) else tool


def _bears(schema: Any, depth: int) -> bool:
    """Tell whether a grammar of the schema as it stands does no harm."""
    if isinstance(schema, bool):
        return schema
    if not isinstance(schema, Mapping) or depth == 0 or not schema.keys() <= _SAYING | _BORNE:
        return False
    if "anyOf" in schema and schema.keys() - _SAYING != {"anyOf"}:
        return False  # what stands beside it is lost
    return all(_bears(each, depth - 1) for each in _parts(schema))


def _parts(schema: Mapping[str, Any]) -> list[Any]:
    properties, branches = schema.get("properties"), schema.get("anyOf")
    inner = list(properties.values()) if isinstance(properties, Mapping) else []
    inner += branches if isinstance(branches, list) else []
    others = schema.get("additionalProperties")
    return inner + [each for each in (schema.get("items"), others if isinstance(others, Mapping) else None) if each is not None]
