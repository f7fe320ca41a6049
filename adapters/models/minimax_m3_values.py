"""Takes the values of MiniMax M3 out of their elements, and writes them: texts as they are, lists and objects as elements."""

from __future__ import annotations

import re

from adapters.models.minimax_m3_tags import MARK
from adapters.models.tags.element_values import Written, write_verbatim
from adapters.models.tags.qwen_xml_read import unframed
from adapters.models.tags.qwen_xml_value import Closed
from rules.conversation import Json

ITEM = "item"
DEPTH = 64
"""Levels of elements that are read and written."""

_NAME = re.compile(r"[\w.:-]+\Z")
_TAG = re.compile(rf"{re.escape(MARK)}<(?P<closes>/?)(?P<name>[\w.:-]+)>")


class _NoElementsError(ValueError):
    """Raised where a text is not made of elements, or a value cannot be."""


def take(closed: Closed, block: str) -> Json:
    """Take a value out of its block. What cannot be read as elements stays text."""
    text = block[closed.start : closed.end]
    if not block.startswith(f"{MARK}</{closed.name}>", closed.end):
        text = unframed(text, framed=False, closed=False).removesuffix(f"</{closed.name}>")
    try:
        return _read(text) if f"{MARK}<" in text else text
    except _NoElementsError:
        return text


def _read(text: str) -> Json:
    levels: list[list[tuple[str, Json]]] = [[]]
    names: list[str] = []
    at = 0
    for tag in _TAG.finditer(text):
        before, at = text[at : tag.start()], tag.end()
        leaf = bool(tag["closes"]) and not levels[-1]
        if len(levels) > DEPTH or (before.strip() and not leaf):
            raise _NoElementsError
        if not tag["closes"]:
            names.append(tag["name"])
            levels.append([])
        elif not names or names.pop() != tag["name"]:
            raise _NoElementsError
        else:
            members = levels.pop()
            levels[-1].append((tag["name"], _joined(members) if members else before))
    if names or text[at:].strip():
        raise _NoElementsError
    return _joined(levels[0])


def _joined(members: list[tuple[str, Json]]) -> Json:
    """Make a list of elements named `item`, and an object of others."""
    if all(name == ITEM for name, _ in members):
        return [value for _, value in members]
    if len(dict(members)) < len(members):
        raise _NoElementsError
    return dict(members)


def write(value: Json) -> Written:
    """Write a value: a list or an object that holds nothing but texts as elements, anything else as JSON."""
    try:
        return Written(_elements(value, DEPTH), value)
    except _NoElementsError:
        return write_verbatim(value)


def _elements(value: Json, depth: int) -> str:
    if isinstance(value, str):
        return value
    members: list[tuple[str, Json]] = []
    if isinstance(value, list):
        members = [(ITEM, each) for each in value]
    elif isinstance(value, dict):
        members = list(value.items())
    if not depth or not members or not all(_NAME.match(name) for name, _ in members):
        raise _NoElementsError
    return "".join(f"{MARK}<{name}>{_elements(each, depth - 1)}{MARK}</{name}>" for name, each in members)
