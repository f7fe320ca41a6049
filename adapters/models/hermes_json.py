"""The dialect of Hermes, Qwen 2.5 and Qwen 3, Granite 4 and many others: JSON between `<tool_call>` and `</tool_call>`.

    <tool_call>
    {"name": "get_weather", "arguments": {"city": "Paris"}}
    </tool_call>

Source: the chat templates of Hermes 2 Pro and Qwen 2.5, and vLLM's hermes parser (0.32).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from adapters.base import Dialect, Form, Unwritable
from adapters.models.end_tokens import HEADER
from adapters.models.json_blocks.hermes_json_read import read
from adapters.models.json_blocks.hermes_json_scan import CLOSE, ENDS, OPEN, RESPONSE, HermesScan
from adapters.models.tool_prompt import describe_tools
from rules.conversation import ToolCall, Tools

_HOW = """\
To call a function, answer with one JSON object between <tool_call> and </tool_call>, and nothing behind it:

{example}

Escape quotes, backslashes and line breaks inside strings. Give every required parameter. Several calls stand in blocks of \
their own.
"""


def forms(tools: Tools) -> Sequence[Form]:
    """List the ways to write a call: there is one."""
    del tools
    return (Form(OPEN, HermesScan, read),)


def render(calls: Sequence[ToolCall]) -> str:
    """Write calls as JSON, each in its wrapper. What is no JSON cannot be written."""
    return "\n".join(map(_write, calls))


def _write(call: ToolCall) -> str:
    if isinstance(call.arguments, str):
        raise Unwritable("arguments that could not be read as an object")
    try:
        arguments = call.written or json.dumps(call.arguments, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise Unwritable("arguments that are no JSON") from error
    block = f'{OPEN}\n{{"name": {json.dumps(call.name, ensure_ascii=False)}, "arguments": {arguments}}}\n{CLOSE}'
    scan = HermesScan(())
    again = read(block, ()) if (scan.feed(block) or scan.feed("\n.")) == len(block) else None
    if not again or len(again) > 1 or (again[0].name, again[0].arguments) != (call.name, call.arguments):
        raise Unwritable("arguments that would not be read as they were")
    return block


def describe(tools: Tools) -> str:
    """Describe tools and the form of a call."""
    return describe_tools(tools, _HOW, render)


def result(name: str, text: str) -> str:
    """Show a tool's result as the templates do, in a user's message."""
    del name
    return f"{RESPONSE}\n{text}\n</tool_response>"


HERMES_JSON = Dialect(
    name="hermes_json",
    forms=forms,
    render=render,
    describe=describe,
    result=result,
    thinking=(("<think>", "</think>"), ("<thinking>", "</thinking>")),
    closers=(CLOSE, "</tool_response>", HEADER),
    ends=ENDS,
    results=(RESPONSE,),
)
