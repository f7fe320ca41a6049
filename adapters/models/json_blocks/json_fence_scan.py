"""Finds and reads code fences whose JSON is a call: one at the start of a turn, or all that stand at its end.

Prose before and behind a fence explains the format; then it is a quotation.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Literal

from adapters.base import Scan
from adapters.models.followed_scan import FollowedScan, stands_last
from adapters.models.json_blocks.bare_json import STOPS, GatedScan, read_declared
from adapters.models.json_blocks.json_head import Gate, names_tool
from adapters.models.json_blocks.json_tokens import Frame
from adapters.models.json_blocks.json_unwrapped import UnwrappedScan
from adapters.models.json_blocks.led_scan import LedScan
from rules.conversation import ToolCall, Tools

FENCE = "```"
SLICE = 1024
WORDS = frozenset({
    "", "json", "jsonc", "json5", "tool", "tools", "tool_call", "tool_calls", "tool_use", "tool_code", "function", "functions",
    "function_call", "function_calls", "call", "action",
})  # fmt: skip
"""What may stand behind the opening fence of a call, in lower case."""

_FRAME = Frame(stops=(FENCE, *STOPS), several=True)
_OPENING = re.compile(r"\s*+(?:```[ \t]*+(?P<word>[\w-]*+)(?P<rest>\s*+)|`{0,2})")


def scan_fence(tools: Tools, *, lone: bool = False) -> Scan:
    """Scan one fence, up to its closing fence or the end of the text."""
    inside = GatedScan(Gate(partial(names_tool, tools, lone=lone)), partial(UnwrappedScan, _FRAME, tools))
    return FollowedScan(LedScan(_opens, inside), _closes)


def scan_last_fences(tools: Tools) -> Scan:
    """Scan the fences at the end of a turn."""
    return FollowedScan(Fences(partial(scan_fence, tools, lone=True)), stands_last)


def _opens(text: str, whole: bool) -> bool:
    found = _OPENING.fullmatch(text)
    if found is None or found["word"] is None:
        return found is not None and not whole
    word = found["word"].lower()
    done = whole or bool(found["rest"])
    return word in WORDS if done else any(each.startswith(word) for each in WORDS)


def _closes(rest: str) -> int | Literal["no"] | None:
    if rest.startswith(FENCE):
        return len(FENCE)
    return None if FENCE.startswith(rest) else "no"


class Fences:
    """Scans fences that follow each other, blanks between them. Satisfies `adapters.base.Scan`. `ends` is where they end."""

    def __init__(self, make: Callable[[], Scan]) -> None:
        self._make = make
        self._scan = make()
        self._pieces: list[str] = []
        self._from = 0
        self.ends: list[int] = []

    def feed(self, piece: str) -> int | Literal["no"] | None:
        """Take the next piece of the block."""
        answer = self._scan.feed(piece)
        self._pieces.append(piece)
        while isinstance(answer, int):
            rest = self._next(answer)
            answer = self._scan.feed(rest) if rest else None
        return self._no if answer == "no" else None

    def finish(self) -> int | Literal["no"]:
        """Say where the block ends now that no more text comes."""
        answer = self._scan.finish()
        while isinstance(answer, int):
            rest = self._next(answer)
            again = self._scan.feed(rest) if rest else "no"
            answer = self._scan.finish() if again is None else again
        return self._no

    @property
    def _no(self) -> int | Literal["no"]:
        return self.ends[-1] if self.ends else "no"

    def _next(self, end: int) -> str:
        """Begin the next fence behind this one, and return what text there is of it."""
        rest = "".join(self._pieces)[end:]
        self._from += end
        self.ends.append(self._from)
        self._scan, self._pieces = self._make(), [rest]
        return rest


def read_fences(block: str, tools: Tools, *, lone: bool = False) -> tuple[ToolCall, ...] | None:
    """Read fences as calls of declared tools; None: they hold something else."""
    fences = Fences(partial(scan_fence, tools, lone=lone))
    for at in range(0, len(block), SLICE):
        fences.feed(block[at : at + SLICE])
    fences.finish()
    calls: list[ToolCall] = []
    for start, end in zip([0, *fences.ends], fences.ends, strict=False):
        found = _read_fence(block[start:end].strip(), tools, lone=lone)
        if found is None:
            return None
        calls += found
    return tuple(calls) or None


def _read_fence(fence: str, tools: Tools, *, lone: bool) -> tuple[ToolCall, ...] | None:
    opening = _OPENING.match(fence)
    inside = fence[opening.end() if opening else 0 :]
    closed = inside.endswith(FENCE)
    return read_declared(inside.rstrip("`").strip(), tools, closed=closed, lone=lone)
