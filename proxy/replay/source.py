"""Writes values as Python source, laid out as ruff lays out ours: on one line where it fits, else one part a line."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Final, TypeAlias

WIDTH: Final = 130
STEP: Final = "    "
_SURROGATE: Final = re.compile("[\ud800-\udfff\x7f-\x9f\u2028\u2029]")
"""What must not stand in a source file as it is: halves of characters, and what is not seen or ends a line."""

Bracketed: TypeAlias = "tuple[str, list[tuple[str, Node]], str]"
"""What opens, the parts (each behind a prefix such as `name=`), what closes."""

Node: TypeAlias = "str | Bracketed"


def call(name: str, *parts: Node | tuple[str, Node]) -> Node:
    """Write a call of a function; a part may be a pair of prefix and value."""
    return (f"{name}(", [each if _is_pair(each) else ("", each) for each in parts], ")")  # type: ignore[misc]


def _is_pair(part: Any) -> bool:
    return isinstance(part, tuple) and len(part) == 2


def node_of(value: Any) -> Node:
    """Write a value: JSON, tuples, sets, and dataclasses by their constructors, what is as by default left out."""
    match value:
        case str():
            return text(value)
        case None | bool() | int() | float():
            return _number(value)
        case Mapping():
            return ("{", [(f"{text(str(key))}: ", node_of(each)) for key, each in value.items()], "}")
        case list():
            return ("[", [("", node_of(each)) for each in value], "]")
        case tuple():
            return ("(", [("", node_of(each)) for each in value], ",)" if len(value) == 1 else ")")
        case frozenset():
            return call("frozenset", ("{", [("", node_of(each)) for each in sorted(value)], "}"))
        case _ if is_dataclass(value):
            return call(type(value).__name__, *_members(value))
        case _:
            raise TypeError(f"no source is known for a {type(value).__name__}")


def _number(value: float | None) -> str:
    return f'float("{value}")' if isinstance(value, float) and not math.isfinite(value) else repr(value)


def _members(value: Any) -> Iterable[tuple[str, Node]]:
    for each in fields(value):
        given = getattr(value, each.name)
        needed = each.default is MISSING and each.default_factory is MISSING
        default = each.default if each.default_factory is MISSING else each.default_factory()
        if needed or (given != default and each.compare):
            yield ("" if needed else f"{each.name}=", node_of(given))


def text(value: str) -> str:
    """Write a text in the quotes that need fewer backslashes, double ones where both need as many."""
    written = json.dumps(value, ensure_ascii=False)
    if value.count('"') > value.count("'"):
        written = "'" + written[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", written)


def lay_out(node: Node, indent: str = "", room: int = WIDTH) -> str:
    """Lay out a node that begins where `room` characters are left on its line, and that ends with a comma or nothing."""
    line = _line(node)
    if isinstance(node, str) or len(line) <= room or not node[1]:
        return line
    opener, parts, closer = node
    inner = indent + STEP
    lines = [f"{inner}{prefix}{lay_out(part, inner, WIDTH - len(inner) - len(prefix) - 1)}," for prefix, part in parts]
    return "\n".join([opener, *lines, f"{indent}{closer.removeprefix(',')}"])


def _line(node: Node) -> str:
    if isinstance(node, str):
        return node
    opener, parts, closer = node
    return f"{opener}{', '.join(f'{prefix}{_line(part)}' for prefix, part in parts)}{closer}"
