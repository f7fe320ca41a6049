"""Reads and writes calls whose head names the tool and whose arguments follow as JSON (see `headed_scan`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from adapters.base import Form, Unwritable
from adapters.models.headed.headed_scan import Frame, HeadedScan
from adapters.models.json_blocks.hermes_json_read import read as hermes_json_read
from rules.conversation import ToolCall, Tools
from rules.declared_tool import folded
from rules.read_json import Reading, read_json

SLICE = 4096


@dataclass(frozen=True, slots=True)
class Headed:
    """A frame, and the tools that are declared: what the forms of such a format are made of."""

    frame: Frame
    names: frozenset[str] = frozenset()

    def form(self, opener: str, *, line_start: bool = False, first: bool = False) -> Form:
        """Return the form of a call that begins with this opener."""
        return Form(opener, self.scan, self.read, line_start=line_start, first=first)

    def scan(self, tools: Tools = ()) -> HeadedScan:
        """Return a scan for one block."""
        del tools  # they are known
        return HeadedScan(self.frame, self._declared)

    def read(self, block: str, tools: Tools = ()) -> tuple[ToolCall, ...]:
        """Read a block. An opener that nothing came of is nobody's to read."""
        scan = self.scan()
        if not any(scan.feed(piece) is not None for piece in _slices(block)):
            scan.finish()
        parts = scan.parts
        body, ended = block[parts.start : parts.end].strip(), parts.closed or parts.whole
        if parts.head is None:
            return ()
        if parts.head["name"] is None:
            return _naming(body, tools, ended=ended) if body else ()
        return (arguments_of(parts.head["name"], body, ended=ended),)

    def _declared(self, name: str) -> bool:
        return any(known.startswith(folded(name)) for known in self.names)


def headed(frame: Frame, tools: Tools) -> Headed:
    """Join a frame with the tools that are declared."""
    return Headed(frame, frozenset(folded(tool.name) for tool in tools))


def nobodys(block: str, tools: Tools) -> tuple[ToolCall, ...]:  # noqa: ARG001 - the signature of Read
    """Read a block that is markup and nothing else."""
    return ()


def arguments_of(name: str, body: str, *, ended: bool) -> ToolCall:
    """Make a call of the text of its arguments. Not `ended`: the text was over first, so only brackets may be supplied."""
    if body.endswith("```") and not body.startswith("```"):
        body = body[:-3].rstrip()
    reading = read_json(body, closed=not ended)
    if isinstance(reading, Reading) and isinstance(reading.value, dict):
        if reading.strict:
            return ToolCall("", name, reading.value, whole=ended, written=body)
        if not ended and reading.mended == {"missing-closers"}:
            return ToolCall("", name, reading.value, whole=False)
    return ToolCall("", name, body, whole=ended)


def _naming(body: str, tools: Tools, *, ended: bool) -> tuple[ToolCall, ...]:
    """Read JSON that names its tools itself."""
    calls = hermes_json_read(f"<tool_call>{body}</tool_call>", tools) or ()
    return tuple(replace(call, whole=ended) for call in calls)


def json_of(call: ToolCall) -> str:
    """Write the arguments of a call as JSON, as they came where nothing touched them. Raises Unwritable."""
    if not isinstance(call.arguments, Mapping):
        raise Unwritable("arguments that could not be read as an object")
    try:
        return call.written or json.dumps(dict(call.arguments), ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise Unwritable("arguments that are no JSON") from error


def sure(block: str, call: ToolCall, reads: Headed) -> str:
    """Return a block if it reads as the call again, in an answer that goes on behind it. Raises Unwritable."""
    scan = reads.scan()
    end = next((end for piece in (*_slices(block), "\n.") if (end := scan.feed(piece)) is not None), None) or scan.finish()
    if end != len(block) or reads.read(block) != (ToolCall("", call.name, call.arguments),):
        raise Unwritable("a name or arguments that would not be read as they were")
    return block


def _slices(text: str) -> list[str]:
    return [text[at : at + SLICE] for at in range(0, len(text), SLICE)]
