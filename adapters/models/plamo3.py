"""The dialect of PLaMo 3: the name between markers of its own, JSON arguments behind it.

    <|plamo:begin_tool_requests:plamo|><|plamo:begin_tool_request:plamo|>
    <|plamo:begin_tool_name:plamo|>get_weather<|plamo:end_tool_name:plamo|>
    <|plamo:begin_tool_arguments:plamo|><|plamo:constrain|>json<|plamo:msg|>{"city": "Paris"}<|plamo:end_tool_arguments:plamo|>
    <|plamo:end_tool_request:plamo|><|plamo:end_tool_requests:plamo|>

(all on one line). Source: vLLM's plamo3 parser (0.32). The API of its maker leaves out `<|plamo:constrain|>json`.
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


def _tag(word: str) -> str:
    return f"<|plamo:{word}:plamo|>"


GROUP, GROUP_END = _tag("begin_tool_requests"), _tag("end_tool_requests")
CALL, CALL_END = _tag("begin_tool_request"), _tag("end_tool_request")
NAME, NAME_END = _tag("begin_tool_name"), _tag("end_tool_name")
ARGUMENTS, ARGUMENTS_END = _tag("begin_tool_arguments"), _tag("end_tool_arguments")
CONSTRAIN, MESSAGE = "<|plamo:constrain|>", "<|plamo:msg|>"
ENDS = ("<|plamo:tag|>",)

_NAME, _NAME_END, _ARGUMENTS, _CONSTRAIN, _MESSAGE = map(re.escape, (NAME, NAME_END, ARGUMENTS, CONSTRAIN, MESSAGE))
_BEHIND = rf"{_NAME_END}\s*(?:{_ARGUMENTS}\s*(?:{_CONSTRAIN}\w{{0,8}}\s*)?(?:{_MESSAGE}\s*)?)?"
_BEGUN, _HEAD = group(
    (GROUP,), CALL, rf"(?:{_NAME}\s*[\w.:/-]{{0,128}}\s*(?:{_BEHIND})?)?", rf"{_NAME}\s*(?P<name>\w[\w.:/-]*)\s*{_BEHIND}"
)
FRAME = Frame(
    openers=(GROUP, CALL),
    begun=_BEGUN,
    head=_HEAD,
    separators=(ARGUMENTS, MESSAGE),
    inside=(NAME, NAME_END, CONSTRAIN),
    closers=(ARGUMENTS_END,),
    over=(CALL_END, GROUP_END, *ENDS),
)

_HOW = """\
To call a function, answer in this form, with nothing behind it:

{example}

The arguments are one JSON object with every required parameter. Several calls stand one behind the other between the outer \
markers.
"""


def forms(tools: Tools) -> Sequence[Form]:
    """List the ways to write a call: with or without the markers of a group around it."""
    return tuple(map(headed(FRAME, tools).form, FRAME.openers))


def render(calls: Sequence[ToolCall]) -> str:
    """Write calls between the outer markers."""
    return f"{GROUP}{''.join(map(_write, calls))}{GROUP_END}"


def _write(call: ToolCall) -> str:
    head = f"{CALL}{NAME}{call.name}{NAME_END}{ARGUMENTS}{CONSTRAIN}json{MESSAGE}"
    return sure(f"{head}{json_of(call)}{ARGUMENTS_END}", call, Headed(FRAME)) + CALL_END


def describe(tools: Tools) -> str:
    """Describe tools and the form of a call."""
    return describe_tools(tools, _HOW, render)


def result(name: str, text: str) -> str:
    """Show a tool's result in plain words: the form that PLaMo's own template gives it is not published."""
    return f"Result of {name}:\n{text}"


PLAMO3 = Dialect(
    name="plamo3",
    forms=forms,
    render=render,
    describe=describe,
    result=result,
    thinking=((_tag("begin_think"), _tag("end_think")),),
    closers=(GROUP_END, CALL_END, ARGUMENTS_END, NAME_END, MESSAGE),
    ends=ENDS,
)
