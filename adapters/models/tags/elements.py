"""Reads and writes calls that are elements: one for the call, in it one for each parameter, their names in an attribute.

    <function_calls>
    <invoke name="NAME">
    <parameter name="KEY">VALUE</parameter>
    </invoke>
    </function_calls>

Many families write so and differ in names and frames alone: each is a row, `Elements`. Where a value ends is decided by the
machine that Qwen's tags need as well (`qwen_xml_walk`, `qwen_xml_value`): by what follows a closer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Literal, NamedTuple

from adapters.base import Form, Unwritable
from adapters.models.tags.element_tags import ElementTags, Head
from adapters.models.tags.element_values import Written, take_verbatim, write_verbatim
from adapters.models.tags.qwen_xml_read import Take, calls_of
from adapters.models.tags.qwen_xml_tags import Kind, Lexicon, Vocabulary, lexicon, vocabulary
from adapters.models.tags.qwen_xml_walk import Walk, Way
from adapters.models.tags.read_back import reaches_its_end, readers
from adapters.models.tool_prompt import describe_tools
from rules.conversation import Json, ToolCall, Tools
from rules.declared_tool import declared_tool

Wrapper = tuple[str, str]
"""What opens and closes a section of calls."""

Trust = Literal["sure", "line", "declared"]
"""When an opener opens a call. sure: always; line: at the start of a line; declared: there, if a declared tool is named."""

_HOW = """\
To call a function, answer with this form and nothing behind it:

{example}

Every value stands between its tags as it is, without quotes or escapes; objects and lists are written as JSON. Give every \
required parameter. You may think before the call. For several calls, repeat the element that names the function.
"""


@dataclass(frozen=True, slots=True)
class Elements:
    """How a family writes its elements.

    wrappers       own first; the others are read as well
    spellings      what stands between `<` or `</` and the name of an element; own first, the others are read as well
    glue           tags around a call that say nothing;  around: what of them is written before and behind it
    ends           markers that end the turn
    wrapped, bare  how far a wrapper, and a call without one, is trusted
    cdata          a value may stand in a CDATA section
    take, write    take a value out of its block, and write it
    """

    wrappers: tuple[Wrapper, ...] = ()
    spellings: tuple[str, ...] = ("",)
    call: str = "invoke"
    parameter: str = "parameter"
    glue: tuple[str, ...] = ()
    around: tuple[str, str] = ("", "")
    ends: tuple[str, ...] = ()
    wrapped: Trust = "sure"
    bare: Trust = "declared"
    cdata: bool = False
    take: Take = take_verbatim
    write: Callable[[Json], Written] = write_verbatim


class _Block(NamedTuple):
    """A kind of block: how it opens, and the wrapper around it, if it has one."""

    row: Elements
    opener: str
    wrapper: Wrapper | None
    trust: Trust

    def walk(self, known: Vocabulary, fits: Callable[[str], bool] | None = None) -> Walk:
        """Return a machine for one block; `fits` says which names count."""
        wrapped = self.wrapper is not None
        tags = ElementTags(_words(self.row, self.wrapper))
        return Walk(known, Way(tags, Head(fits, wrapped=wrapped), wrapped, strict=self.trust != "sure"))


def _blocks(row: Elements) -> Sequence[_Block]:
    wrapped = [_Block(row, wrapper[0], wrapper, row.wrapped) for wrapper in row.wrappers]
    return (*wrapped, *(_Block(row, f"<{each}{row.call} name=", None, row.bare) for each in row.spellings))


@lru_cache(maxsize=64)
def _words(row: Elements, wrapper: Wrapper | None) -> Lexicon:
    """Return the tags of a block. Another wrapper than its own is no tag: a value may well hold one."""
    literals: dict[str, Kind] = {**dict.fromkeys(row.glue, "text"), **dict.fromkeys(row.ends, "end")}
    if row.cdata:
        literals |= {"<![CDATA[": "cdata", "]]>": "/cdata"}
    if wrapper:
        literals |= {wrapper[0]: "wrapper", wrapper[1]: "/wrapper"}
    heads: dict[str, Kind] = {}
    for each in row.spellings:
        heads |= {f"</{each}{row.call}": "/function", f"</{each}{row.parameter}": "/parameter"}
        heads |= {f"<{each}{row.call}": "function", f"<{each}{row.parameter}": "parameter"}
    return lexicon(literals, {}, heads)


def element_forms(row: Elements, tools: Tools) -> Sequence[Form]:
    """List the ways to write calls: in each wrapper, and without one."""
    known = vocabulary(tools)
    return tuple(_form(block, known, lambda name: declared_tool(name, tools) is not None) for block in _blocks(row))


def _form(block: _Block, known: Vocabulary, fits: Callable[[str], bool]) -> Form:
    named = fits if block.trust == "declared" else None
    scan = partial(block.walk, known, named)
    return Form(block.opener, lambda tools: scan(), partial(_read, block, known), line_start=block.trust != "sure")  # noqa: ARG005


def _read(block: _Block, known: Vocabulary, text: str, tools: Tools = ()) -> tuple[ToolCall, ...] | None:
    del tools
    return calls_of(block.walk(known), text, known, block.row.take)


def element_closers(row: Elements) -> tuple[str, ...]:
    """List what is dropped where it stands alone: what closes a wrapper, and tags that no other language has."""
    own = [f"</{each}{tag}>" for each in row.spellings if each for tag in (row.call, row.parameter)]
    return (*(closer for _, closer in row.wrappers), *own, *row.glue)


def describe_elements(row: Elements, tools: Tools) -> str:
    """Describe tools and the form of a call."""
    return describe_tools(tools, _HOW, partial(render_elements, row))


def render_elements(row: Elements, calls: Sequence[ToolCall]) -> str:
    """Write the calls of a turn in one wrapper. What our own reader would not give back cannot be written."""
    written = [_write(row, call) for call in calls]
    blocks = [written] if row.wrappers else [[each] for each in written]
    return "\n".join(_checked(row, block) for block in blocks if block)


def _write(row: Elements, call: ToolCall) -> tuple[str, ToolCall]:
    """Write a call, and say what our own reader must make of it."""
    if isinstance(call.arguments, str):
        raise Unwritable("arguments that could not be read as an object")
    own, (before, behind) = row.spellings[0], row.around
    values = {name: row.write(value) for name, value in call.arguments.items()}
    inner = "".join(
        f'<{own}{row.parameter} name="{name}"{value.attributes}>{value.text}</{own}{row.parameter}>\n'
        for name, value in values.items()
    )
    text = f'{before}<{own}{row.call} name="{call.name}">\n{inner}</{own}{row.call}>{behind}'
    return text, ToolCall("", call.name, {name: value.reads_as for name, value in values.items()})


def _checked(row: Elements, written: Sequence[tuple[str, ToolCall]]) -> str:
    text = "\n".join(each for each, _ in written)
    text = f"{row.wrappers[0][0]}\n{text}\n{row.wrappers[0][1]}" if row.wrappers else text
    block, meant = _blocks(row)[0], tuple(call for _, call in written)
    for known in readers(text, meant):
        if not reaches_its_end(block.walk(known), text) or _read(block, known, text) != meant:
            raise Unwritable("a name or value that the tags around it would not carry")
    return text
