"""A family of models whose calls are JSON between markers: what a row of the table says, and the dialect it makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from adapters.base import Dialect, Form
from adapters.models.json_blocks.json_block_read import read_block
from adapters.models.json_blocks.json_tokens import Frame
from adapters.models.json_blocks.json_unwrapped import UnwrappedScan
from adapters.models.json_blocks.json_wrapped import WrappedScan
from adapters.models.json_blocks.json_write import WriteItem, checked, name_and_arguments
from adapters.models.tool_prompt import describe_tools
from rules.conversation import ToolCall, Tools

FormsOf: TypeAlias = Callable[[Tools], Sequence[Form]]
"""Lists the ways to write a call."""

Pair: TypeAlias = tuple[str, str]
"""What opens and what closes something."""

THINK: Pair = ("<think>", "</think>")

_HOW = """\
To call functions, answer with this form, and nothing behind it:

{example}

Escape quotes, backslashes and line breaks inside strings. Give every required parameter. """
_LISTED, _EACH = f"{_HOW}Several calls stand in the one list.\n", f"{_HOW}Several calls stand in blocks of their own.\n"


@dataclass(frozen=True, slots=True)
class Family:
    """A family of models. The last five fields are those of `Dialect`.

    forms   how it writes calls, and what it is likely to drift into
    writes  what stands around a call, or around the list of all calls of a turn
    listed  the calls of a turn stand in one list
    item    writes one call
    result  what stands around the result of a tool
    """

    name: str
    forms: FormsOf
    writes: Pair
    listed: bool = True
    item: WriteItem = name_and_arguments
    result: Pair = ("<tool_response>\n", "\n</tool_response>")
    thinking: tuple[Pair, ...] = (THINK,)
    closers: tuple[str, ...] = ()
    wraps: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    results: tuple[str, ...] = ("<tool_response>",)

    def write(self, calls: Sequence[ToolCall]) -> str:
        """Write the calls of a turn."""
        opens, closes = self.writes
        items = [self.item(at, call) for at, call in enumerate(calls)]
        if self.listed:
            return f"{opens}[{', '.join(items)}]{closes}"
        return "\n".join(f"{opens}{item}{closes}" for item in items)


def dialect_of(family: Family) -> Dialect:
    """Make the dialect of a family."""

    def render(calls: Sequence[ToolCall]) -> str:
        return checked(dialect, family.write(calls), calls)

    def describe(tools: Tools) -> str:
        return describe_tools(tools, _LISTED if family.listed else _EACH, render)

    def result(name: str, text: str) -> str:
        del name
        opens, closes = family.result
        return f"{opens}{text}{closes}"

    dialect = Dialect(
        name=family.name,
        forms=family.forms,
        render=render,
        describe=describe,
        result=result,
        thinking=family.thinking,
        closers=family.closers,
        wraps=family.wraps,
        ends=family.ends,
        results=family.results,
    )
    return dialect


def framed(*frames: Frame, also: Sequence[Form] = ()) -> FormsOf:
    """List a form for each frame, then others, the same for any tools."""
    forms = (*map(form, frames), *also)
    return lambda tools: forms  # noqa: ARG005 - they are for any tools


def form(frame: Frame) -> Form:
    """Make the form of what stands in a frame."""
    return Form(frame.opener, partial(WrappedScan if frame.closer else UnwrappedScan, frame), partial(read_block, frame))
