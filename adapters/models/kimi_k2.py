"""The dialect of Kimi K2 and K2.5: a call's id, which holds the name, and JSON arguments behind it.

    <|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{"city": "Paris"}
    <|tool_call_end|><|tool_calls_section_end|>

(all on one line). Source: Kimi K2's chat template and vLLM's kimi_k2 parser (0.32); the malformed shapes are those of
vllm#28543, typeclaw#344 and Rapid-MLX. A server that takes special tokens out of the text leaves `functions.get_weather:0{...}`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from adapters.base import Dialect, Form
from adapters.models.headed.headed_group import group
from adapters.models.headed.headed_read import Headed, headed, json_of, sure
from adapters.models.headed.headed_scan import Frame
from adapters.models.tool_prompt import describe_tools
from rules.conversation import ToolCall, Tools

GROUP, GROUP_END = "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"
CALL, ARGUMENTS, CALL_END = "<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>"
ENDS = ("<|im_end|>",)
RESULTS = ("<|im_system|>", "<|im_user|>")

_ARGUMENTS = rf"(?:{re.escape(ARGUMENTS)}\s*)"
_ID = rf"(?P<functions>functions?\.)?(?P<name>\w[\w.:/-]*?)(?::\d+)?\s*{_ARGUMENTS}?"
_BEGUN, _HEAD = group((GROUP,), CALL, rf"[\w.:/-]{{0,160}}\s*{_ARGUMENTS}?", _ID)
FRAME = Frame((GROUP, CALL), _BEGUN, _HEAD, (ARGUMENTS,), closers=(CALL_END,), over=(GROUP_END, *ENDS, *RESULTS))

BARE = Frame(
    openers=(),
    begun=re.compile(rf"[\w./-]{{1,160}}:\d{{0,6}}\s*{_ARGUMENTS}?\Z"),
    head=re.compile(rf"(?P<functions>functions?\.)?(?P<name>\w[\w./-]*):\d+\s*(?(functions){_ARGUMENTS}?|{_ARGUMENTS})"),
    separators=(ARGUMENTS,),
    closers=(CALL_END,),
    over=(GROUP, CALL, GROUP_END, *ENDS, *RESULTS),
)
"""An id at the start of a line, without the markers before it."""

_HOW = """\
To call a function, answer in this form, with nothing behind it:

{example}

Behind functions. stands the function's name and the number of the call, counted from 0; the arguments are one JSON object. Give \
every required parameter. Several calls stand one behind the other between the outer markers.
"""


def forms(tools: Tools) -> Sequence[Form]:
    """List the ways to write a call: with its markers, and by the id of a declared tool alone."""
    reads, bare = headed(FRAME, tools), headed(BARE, tools)
    ids = [f"{space}{tool.name}:" for tool in tools for space in ("functions.", "")]
    return (*map(reads.form, FRAME.openers), *(bare.form(each, line_start=True) for each in ids))


def render(calls: Sequence[ToolCall]) -> str:
    """Write calls between the outer markers, numbered from 0."""
    return f"{GROUP}{''.join(_write(call, number) for number, call in enumerate(calls))}{GROUP_END}"


def _write(call: ToolCall, number: int) -> str:
    return sure(f"{CALL}functions.{call.name}:{number}{ARGUMENTS}{json_of(call)}{CALL_END}", call, Headed(FRAME))


def describe(tools: Tools) -> str:
    """Describe tools and the form of a call."""
    return describe_tools(tools, _HOW, render)


def result(name: str, text: str) -> str:
    """Show a tool's result as Kimi's template does."""
    return f"## Return of functions.{name}\n{text}"


KIMI_K2 = Dialect(
    name="kimi_k2",
    forms=forms,
    render=render,
    describe=describe,
    result=result,
    thinking=(("<think>", "</think>"),),
    closers=(GROUP_END, CALL_END, ARGUMENTS),
    ends=ENDS,
    results=RESULTS,
)
