"""Reads a whole Qwen XML block into calls. Values stay text: the rules give them the types of the schema."""

from __future__ import annotations

import re
from collections.abc import Mapping

from adapters.models.hermes_json_read import read_object
from adapters.models.qwen_xml_tags import Vocabulary, vocabulary
from adapters.models.qwen_xml_value import Closed
from adapters.models.qwen_xml_walk import Function, Walk
from rules.conversation import Json, ToolCall, Tools

SLICE = 4096
_ALL_IN_ONE = ("arguments", "args", "parameters", "params", "input", "kwargs")
_CDATA = "<![CDATA["
_TAG = re.compile(r"</?(?:tool_call|function|parameter)[\s=>]")


def read(block: str, tools: Tools) -> tuple[ToolCall, ...] | None:
    """Read a block, with or without its wrapper. What is unreadable in a call stays the text of its function."""
    return read_known(vocabulary(tools), block)


def read_known(known: Vocabulary, block: str, tools: Tools = ()) -> tuple[ToolCall, ...] | None:
    """Read a block where the names are known already."""
    del tools
    walk = Walk(known, wrapped=block.startswith(known.writing.opener), strict=False)
    for at in range(0, len(block), SLICE):
        if walk.feed(block[at : at + SLICE]) is not None:
            break
    else:
        walk.finish()
    return tuple(_call(function, block, known) for function in walk.functions) or None


def _call(function: Function, block: str, known: Vocabulary) -> ToolCall:
    arguments = None if function.doubtful else _arguments(function, block, known)
    text = block[function.start : function.end].strip()
    return ToolCall("", function.name, text if arguments is None else arguments, whole=function.closed)


def _arguments(function: Function, block: str, known: Vocabulary) -> Mapping[str, Json] | None:
    """Return the arguments; None where a value has no name, or two values have one."""
    if function.body:
        return read_object(block[function.body.start : function.body.end])
    out: dict[str, Json] = {}
    for closed in function.values:
        value = value_text(closed, block, framed=known.writing.framed)
        if not closed.name or out.get(closed.name, value) != value:
            return None
        out[closed.name] = value
    return _unwrapped(out, known.properties.get(function.name, frozenset()))


def _unwrapped(arguments: dict[str, Json], known: frozenset[str]) -> dict[str, Json]:
    """Take an object out of the one parameter that holds all arguments, where no such parameter is declared."""
    if len(arguments) == 1 and known:
        [(name, value)] = arguments.items()
        if name in _ALL_IN_ONE and name not in known and isinstance(value, str):
            return read_object(value) or arguments
    return arguments


def value_text(closed: Closed, block: str, *, framed: bool = True) -> str:
    """Return a value without the one newline on each side that frames it.

    Where its own closer is missing, a newline before the next tag is that tag's.
    A CDATA section is taken off only where it was needed: around tags of the format. Else it is what a file holds.
    """
    text = block[closed.start : closed.end]
    framed = framed and text.startswith("\n")
    body = text[1:] if framed else text
    if framed or not closed.by_tag:
        newline = body.rfind("\n")
        if newline >= 0 and not body[newline + 1 :].strip(" \t"):
            body = body[:newline]
    inner = body.strip()
    if inner.startswith(_CDATA) and inner.endswith("]]>") and _TAG.search(inner, len(_CDATA)):
        return inner[len(_CDATA) : -3]
    return body
