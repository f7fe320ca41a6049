"""Calls as JSON without any marker, amid the text: only where they name a declared tool, and hold or allow its arguments.

{"name": "get_weather", "parameters": {"city": "Paris"}}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from adapters.base import Form, Scan
from adapters.models.followed_scan import FollowedScan, stands_last
from adapters.models.json_blocks.json_calls import ARGUMENTS, BESIDE, NAMES, Member, made_of, parts_of, values_in
from adapters.models.json_blocks.json_head import Gate, names_tool
from adapters.models.json_blocks.json_tokens import Frame
from adapters.models.json_blocks.json_unwrapped import UnwrappedScan
from adapters.models.tool_parameters import needs_nothing
from rules.conversation import ToolCall, Tools
from rules.declared_tool import declared_tool

STOPS = (
    "<|eot_id|>", "<|eom_id|>", "<|eot|>", "<|im_end|>", "<|endoftext|>", "<|end_of_text|>", "<|end|>", "</s>",
)  # fmt: skip
"""Markers at which any of the families that write bare JSON end their turn."""

_FRAME = Frame(stops=STOPS)


class GatedScan:
    """Scans JSON by another scan once its beginning can be a call's. Satisfies `adapters.base.Scan`."""

    def __init__(self, gate: Gate, make: Callable[[], Scan]) -> None:
        self._gate = gate
        self._make = make
        self._scan: Scan | None = None
        self._begun = ""

    def feed(self, piece: str) -> int | Literal["no"] | None:
        """Take the next piece of the block."""
        if self._scan is not None:
            return self._scan.feed(piece)
        self._begun += piece
        let_in = self._gate.feed(piece)
        if not let_in:
            return "no" if let_in is False else None
        self._scan = self._make()
        return self._scan.feed(self._begun)

    def finish(self) -> int | Literal["no"]:
        """Say where the block ends now that no more text comes."""
        return self._scan.finish() if self._scan is not None else "no"


def scan_bare(tools: Tools) -> Scan:
    """Scan JSON that may be a call."""
    return GatedScan(Gate(partial(names_tool, tools)), partial(UnwrappedScan, _FRAME, tools))


def scan_lone(tools: Tools) -> Scan:
    """Scan JSON that may be a call, perhaps of a name alone, and is the whole turn."""
    gate = Gate(partial(names_tool, tools, lone=True))
    return FollowedScan(GatedScan(gate, partial(UnwrappedScan, _FRAME, tools)), stands_last)


def read_bare(block: str, tools: Tools, *, lone: bool = False) -> tuple[ToolCall, ...] | None:
    """Read JSON as calls of declared tools; None: it is something else."""
    return read_declared(block.strip().rstrip(",; \t\r\n"), tools, closed=False, lone=lone)


def read_declared(body: str, tools: Tools, *, closed: bool, lone: bool) -> tuple[ToolCall, ...] | None:
    """Read JSON as calls of declared tools. `closed`: what stands around it ended it;  `lone`: a name alone is a call, too."""
    values = values_in(body, closed=closed)
    if values is None:
        return _unreadable(body, tools)
    found = [(parts_of(value.item, tools), value) for value in values]
    calls = tuple(made_of(parts, value) for parts, value in found if parts and _is_call(parts, tools, lone=lone))
    known = any(declared_tool(call.name, tools) for call in calls)
    return calls if known and len(calls) == len(found) else None


def _is_call(parts: Member, tools: Tools, *, lone: bool) -> bool:
    """Say whether name and arguments are those of a call. Beside a declared tool one may be misnamed."""
    tool = declared_tool(parts.name, tools)
    if parts.path:
        return isinstance(parts.arguments, dict) or (tool is not None and isinstance(parts.arguments, str))
    return tool is not None and (bool(parts.arguments) or (lone and needs_nothing(tool)))


_MEMBER = r"""["']?(?:{})["']?\s*+:\s*+"""
_BEGUN = re.compile(
    rf"""[\[{{\s]*+(?>(?:{_MEMBER.format("|".join(BESIDE))}["']?[^"'\\,]*+["']?\s*+,\s*+){{0,3}}){_MEMBER.format("|".join(NAMES))}"""
    rf"""["'](?P<name>[^"'\\]{{1,200}}+)["']\s*+,\s*+{_MEMBER.format("|".join(ARGUMENTS))}"""
)


def _unreadable(body: str, tools: Tools) -> tuple[ToolCall, ...] | None:
    """Make a call of broken or cut JSON that names a declared tool and has begun its arguments: they stay text."""
    found = _BEGUN.match(body)
    if found is None or declared_tool(found["name"], tools) is None:
        return None
    return (ToolCall("", found["name"], body[found.end() :].strip(), whole=False),)


BARE: Sequence[Form] = (
    Form("{", scan_bare, read_bare, aloud=True),
    Form("[", scan_bare, read_bare, aloud=True),
    Form("{", scan_lone, partial(read_bare, lone=True), first=True, aloud=True),
    Form("[", scan_lone, partial(read_bare, lone=True), first=True, aloud=True),
)
"""Bare JSON as a form of any dialect; alone in its turn a mere name is enough."""
