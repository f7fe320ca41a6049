"""Which of the declared tools a name is written for: the one answer, for the rule that mends names and for every dialect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from rules.conversation import Tools, ToolSpec

_JUNK: Final = " \t\r\n\"'`"
_NAME: Final = re.compile(r"[^\s\"'`<>(){}\[\]=,]{1,200}")
_NAMESPACE: Final = re.compile(r"(?:functions?|tools?|default_api|multi_tool_use)[./]", re.IGNORECASE)


def declared_tool(name: str, tools: Tools) -> ToolSpec | None:
    """Return the declared tool that a name is written for; None: there is none, or more than one."""
    known = next((tool for tool in tools if tool.name == name), None)
    if known is not None:
        return known
    found = _NAME.match(name.lstrip(_JUNK))
    position = _position(found[0] if found else "", tuple(tool.name for tool in tools))
    return None if position is None else tools[position]


def folded(name: str) -> str:
    """Return a name as it is compared: case and the kind of dash say nothing."""
    return name.casefold().replace("-", "_")


@lru_cache(maxsize=1024)  # a text may repeat a name thousands of times
def _position(bare: str, declared: tuple[str, ...]) -> int | None:
    """Return where the one tool stands that the first fitting spelling belongs to."""
    for spelling in _spellings(bare):
        matching = [name for name in declared if name == spelling] or [
            name for name in declared if folded(name) == folded(spelling)
        ]
        if matching:
            return declared.index(matching[0]) if len(set(matching)) == 1 else None
    return None


def _spellings(bare: str) -> Iterator[str]:
    """Yield what a name may have been meant as, the least changed first."""
    yield bare
    space = _NAMESPACE.match(bare)
    if space:
        yield bare[space.end() :]
    parts = bare.split(":")
    for at in range(1, len(parts)):
        yield ":".join(parts[at:])
