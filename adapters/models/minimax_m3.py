"""The dialect of MiniMax M3: elements named after the parameters, and a mark in front of every tag.

    ]<]minimax[>[<tool_call>
    ]<]minimax[>[<invoke name="get_weather">
    ]<]minimax[>[<city>Paris]<]minimax[>[</city>
    ]<]minimax[>[<days>]<]minimax[>[<item>Monday]<]minimax[>[</item>]<]minimax[>[</days>
    ]<]minimax[>[</invoke>
    ]<]minimax[>[</tool_call>

A list is written as elements named `item`, an object as elements named after its members. Nothing but the schema tells a text
from a number, so lists and objects are written as elements where they hold texts alone, and as JSON elsewhere. Source: vLLM's
parser minimax_m3 (0.32), and texts that leaked from it, in which closers and wrappers have lost their mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from adapters.base import Dialect, Form, Scan, Unwritable
from adapters.models.invoke import MINIMAX_END, MINIMAX_THINKING, response
from adapters.models.minimax_m3_tags import LOST, MARK, WRAPPER, WRAPPER_END, MarkedTags
from adapters.models.minimax_m3_values import take, write
from adapters.models.tags.element_tags import Head
from adapters.models.tags.qwen_xml_read import calls_of
from adapters.models.tags.qwen_xml_tags import Vocabulary, vocabulary
from adapters.models.tags.qwen_xml_walk import Walk, Way
from adapters.models.tags.read_back import reaches_its_end, readers
from adapters.models.tool_prompt import describe_tools
from rules.conversation import ToolCall, Tools

_CALL = f"{MARK}<invoke name="

_HOW = f"""\
To call a function, answer with this form and nothing behind it, {MARK} in front of every tag:

{{example}}

A list is written as elements named <item>, an object as elements named after its members. Give every required parameter. You \
may think before the call. For several calls, repeat the element that names the function.
"""


def forms(tools: Tools) -> Sequence[Form]:
    """List the ways to write calls: in a wrapper, with or without its mark, and without one."""
    known = vocabulary(tools)
    return tuple(Form(opener, partial(_scan, known, opener), partial(_read, known)) for opener in (WRAPPER, LOST[0], _CALL))


def _scan(known: Vocabulary, opener: str, tools: Tools = ()) -> Scan:
    del tools
    return _walk(known, wrapped=opener != _CALL)


def _walk(known: Vocabulary, *, wrapped: bool, tags: MarkedTags | None = None) -> Walk:
    """Return a machine for one block. An undeclared parameter is one all the same: no value holds such tags."""
    return Walk(known._replace(fixed=frozenset()), Way(tags or MarkedTags(), Head(None, wrapped=wrapped), wrapped))


def _read(known: Vocabulary, block: str, tools: Tools = ()) -> tuple[ToolCall, ...] | None:
    """Read a block. What is in doubt stays text."""
    del tools
    tags = MarkedTags()
    calls = calls_of(_walk(known, wrapped=not block.startswith(_CALL), tags=tags), block, known, take)
    return tuple(call.having(block) for call in calls) if calls and tags.doubtful else calls


def render(calls: Sequence[ToolCall]) -> str:
    """Write the calls of a turn in one wrapper. What our own reader would not give back cannot be written."""
    written = [_write(call) for call in calls]
    text = "\n".join((WRAPPER, *(each for each, _ in written), WRAPPER_END))
    meant = tuple(call for _, call in written)
    for known in readers(text, meant):
        if not reaches_its_end(_walk(known, wrapped=True), text) or _read(known, text) != meant:
            raise Unwritable("a name or value that the tags around it would not carry")
    return text


def _write(call: ToolCall) -> tuple[str, ToolCall]:
    """Write a call, and say what our own reader must make of it."""
    if isinstance(call.arguments, str):
        raise Unwritable("arguments that could not be read as an object")
    values = {name: write(value) for name, value in call.arguments.items()}
    inner = "".join(f"{MARK}<{name}>{value.text}{MARK}</{name}>\n" for name, value in values.items())
    meant = ToolCall("", call.name, {name: value.reads_as for name, value in values.items()})
    return f'{_CALL}"{call.name}">\n{inner}{MARK}</invoke>', meant


def describe(tools: Tools) -> str:
    """Describe tools and the form of a call."""
    return describe_tools(tools, _HOW, render)


MINIMAX_M3 = Dialect(
    name="minimax_m3",
    forms=forms,
    render=render,
    describe=describe,
    result=response,
    thinking=(("<mm:think>", "</mm:think>"), *MINIMAX_THINKING),
    closers=(WRAPPER_END, f"{MARK}</invoke>", "</tool_call>"),
    ends=(MINIMAX_END,),
    results=("<response>",),
)
