"""Answers under a grammar: what a server forces is what is written, filled with what the model means."""

from collections.abc import Mapping
from typing import Any

from .task import Call, as_json

Schema = Mapping[str, Any]
"""A JSON Schema, or a part of a structural tag."""


class UnknownGrammar(ValueError):
    """A format that this server cannot force: it answers 400, as a server does that lacks it."""


def grammar_of(body: Mapping[str, Any]) -> Schema | None:
    """Return the format that a request forces, as a structural tag's format; nothing where it forces none."""
    asked = body.get("response_format") or {}
    match asked.get("type"):
        case "structural_tag":
            return dict(asked.get("format") or {})
        case "json_schema":
            return {"type": "json_schema", "json_schema": (asked.get("json_schema") or {}).get("schema") or {}}
    schema = (body.get("structured_outputs") or {}).get("json")
    return {"type": "json_schema", "json_schema": schema} if isinstance(schema, dict) else None


def write_under(form: Schema, call: Call) -> str:
    """Write the call as the format allows."""
    match form.get("type"):
        case "json_schema":
            return as_json(_fill(form.get("json_schema") or {}, call, dict(call.arguments)))
        case "const_string":
            return str(form.get("value", ""))
        case "sequence":
            return "".join(write_under(element, call) for element in form.get("elements", ()))
        case "or":
            return write_under(form["elements"][0], call)
        case "tag":
            begin, end = form.get("begin", ""), form.get("end", "")
            return f"{begin}{write_under(form.get('content') or {}, call)}{end if isinstance(end, str) else end[0]}"
        case "triggered_tags" | "tags_with_separator":
            tags = form.get("tags", ())
            return write_under(next((tag for tag in tags if call.name in str(tag.get("begin"))), tags[0]), call)
        case "any_text":
            return ""
        case unknown:
            raise UnknownGrammar(f"structural tag format {unknown!r} is not supported")


def _fill(schema: Schema, call: Call, meant: object) -> object:
    """Return a value that the schema allows, as near as can be to the one that is meant."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return meant if meant in schema["enum"] else schema["enum"][0]
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return _fill(_option(options, call), call, meant)
    if "properties" in schema:
        return {name: _fill(inner, call, _meant(name, call, meant)) for name, inner in _wanted(schema).items()}
    return meant if meant is not None else _some(schema)


def _option(options: list[Schema], call: Call) -> Schema:
    """Choose the branch that names the tool, else the first."""
    named = (option for option in options if option.get("properties", {}).get("name", {}).get("const") == call.name)
    return next(named, options[0])


def _wanted(schema: Schema) -> dict[str, Schema]:
    """Return the properties that must be written (all, where none is required)."""
    properties: dict[str, Schema] = schema["properties"]
    required = schema.get("required") or list(properties)
    return {name: properties[name] for name in properties if name in required}


def _meant(name: str, call: Call, meant: object) -> object:
    if isinstance(meant, dict) and name in meant:
        return meant[name]
    return {"arguments": dict(call.arguments), "parameters": dict(call.arguments), "name": call.name}.get(name)


def _some(schema: Schema) -> object:
    """Return the plainest value of the schema's type."""
    plain: dict[str, object] = {"integer": 0, "number": 0, "boolean": False, "array": [], "object": {}, "null": None}
    return plain.get(str(schema.get("type")), "")
