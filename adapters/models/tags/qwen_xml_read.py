"""Reads a whole Qwen XML block into calls. Values stay text: the rules give them the types of the schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias

from adapters.models.json_blocks.hermes_json_read import read_object
from adapters.models.tags.qwen_xml_tags import Vocabulary, vocabulary
from adapters.models.tags.qwen_xml_value import Closed
from adapters.models.tags.qwen_xml_walk import Function, Walk, qwen
from adapters.models.tags.read_back import slices
from rules.conversation import Json, ToolCall, Tools

Take: TypeAlias = Callable[[Closed, str], Json]
"""Takes a value out of its block."""

_ALL_IN_ONE = ("arguments", "args", "parameters", "params", "input", "kwargs")
_CDATA = "<![CDATA["
_TAG = re.compile(r"</?(?:tool_call|function|parameter)[\s=>]")


def read(block: str, tools: Tools) -> tuple[ToolCall, ...] | None:
    """Read a block, with or without its wrapper. What is unreadable in a call stays the text of its function."""
    return read_known(vocabulary(tools), block)


def read_known(known: Vocabulary, block: str, tools: Tools = ()) -> tuple[ToolCall, ...] | None:
    """Read a block where the names are known already."""
    del tools
    take = partial(value_text, framed=known.writing.framed)
    return calls_of(qwen(known, wrapped=block.startswith(known.writing.opener), strict=False), block, known, take)


def calls_of(walk: Walk, block: str, known: Vocabulary, take: Take | None = None) -> tuple[ToolCall, ...] | None:
    """Let a fresh machine walk through a block, and make calls of what it finds."""
    for piece in slices(block):
        if walk.feed(piece) is not None:
            break
    else:
        walk.finish()
    take = take or value_text
    return tuple(_call(each, block, known.properties.get(each.name, frozenset()), take) for each in walk.functions) or None


def _call(function: Function, block: str, known: frozenset[str], take: Take) -> ToolCall:
    arguments = None if function.doubtful else _arguments(function, block, known, take)
    text = block[function.start : function.end].strip()
    return ToolCall("", function.name, text if arguments is None else arguments, whole=function.closed)


def _arguments(function: Function, block: str, known: frozenset[str], take: Take) -> Mapping[str, Json] | None:
    """Return the arguments; None where a value has no name, or two values have one."""
    if function.body:
        return read_object(block[function.body.start : function.body.end])
    out: dict[str, Json] = {}
    for closed in function.values:
        value = take(closed, block)
        if not closed.name or out.get(closed.name, value) != value:
            return None
        out[closed.name] = value
    return _unwrapped(out, known)


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
    body = unframed(block[closed.start : closed.end], framed=framed, closed=closed.by_tag)
    inner = body.strip()
    if inner.startswith(_CDATA) and inner.endswith("]]>") and _TAG.search(inner, len(_CDATA)):
        return inner[len(_CDATA) : -3]
    return body


def unframed(text: str, *, framed: bool, closed: bool) -> str:
    """Take off the newlines that frame a value: one in front, if the format frames values, and then the one behind.

    Behind a value that no closer of its own closed the newline belongs to the tag that follows.
    """
    opened = framed and text.startswith("\n")
    body = text.removeprefix("\n") if framed else text
    if opened or not closed:
        newline = body.rfind("\n")
        if newline >= 0 and not body[newline + 1 :].strip(" \t"):
            body = body[:newline]
    return body
