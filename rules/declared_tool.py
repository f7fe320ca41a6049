"""Which of the declared tools a name is written for: the one answer, for the rule that mends names and for every dialect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from rules.conversation import Tools, ToolSpec
from rules.spelling import squeezed

_JUNK: Final = " \t\r\n\"'`"
_NAME: Final = re.compile(r"[^\s\"'`<>(){}\[\]=,]{1,200}")
_TAIL: Final = ".:;/"
_LAST: Final = 4
"""Parts of a name between colons that may be the tool's."""

_INDEX: Final = re.compile(r":\d{1,4}\Z")
_NAMESPACE: Final = re.compile(r"(?:functions?|tools?|default_api|multi_tool_use)[./]", re.IGNORECASE)


def declared_tool(name: str, tools: Tools) -> ToolSpec | None:
    """Return the declared tool that a name is written for; None: there is none, or more than one."""
    known = next((tool for tool in tools if tool.name == name), None)
    if known is not None:
        return known
    places = written_for(name, tuple(tool.name for tool in tools))
    return tools[places[0]] if len(places) == 1 else None


def written_for(name: str, declared: tuple[str, ...]) -> tuple[int, ...]:
    """Return where the tools stand that a name may be written for: by its least changed spelling that any of them has."""
    found = _NAME.match(name.lstrip(_JUNK))
    return _places(found[0].rstrip(_TAIL), declared) if found else ()


def folded(name: str) -> str:
    """Return a name as it is compared: case and the kind of dash say nothing."""
    return name.casefold().replace("-", "_")


@lru_cache(maxsize=1024)  # a text may repeat a name thousands of times
def _places(bare: str, declared: tuple[str, ...]) -> tuple[int, ...]:
    for spelling in _spellings(bare):
        for same in (str, folded, squeezed):
            wanted = same(spelling)
            matching = {name: at for at, name in enumerate(declared) if wanted and same(name) == wanted}
            if matching:
                return tuple(matching.values())
    return ()


def _spellings(bare: str) -> Iterator[str]:
    """Yield what a name may have been meant as, the least changed first."""
    yield bare
    counted = _INDEX.search(bare)
    if counted:  # Kimi's models count their calls: `functions.bash:0`
        bare = bare[: counted.start()]
        yield bare
    inner = bare
    while space := _NAMESPACE.match(inner):
        inner = inner[space.end() :]
        yield inner
    parts = bare.split(":")
    for at in range(max(1, len(parts) - _LAST), len(parts)):
        yield ":".join(parts[at:])
