"""Calls of models that no template taught any form: JSON in a code fence, or as the whole message.

    ```json
    {"name": "get_weather", "arguments": {"city": "Paris"}}
    ```

Keys differ: `name` and `arguments`, `tool` and `args`, `action` and `action_input`, the arguments beside the name. Source: what
Qwen, Llama, gpt-oss and others answer where a framework asks for JSON in a prompt; the shapes are those of the corpus.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from adapters.base import Dialect, Form, Scan
from adapters.models.followed_scan import FollowedScan, stands_last
from adapters.models.json_blocks.bare_json import BARE, STOPS
from adapters.models.json_blocks.json_fence_scan import FENCE, read_fences, scan_fence, scan_last_fences
from adapters.models.json_blocks.json_tokens import Frame
from adapters.models.json_blocks.json_unwrapped import UnwrappedScan
from adapters.models.json_blocks.json_write import checked, name_and_arguments
from adapters.models.json_blocks.led_scan import LedScan
from adapters.models.tool_prompt import describe_tools
from rules.conversation import ToolCall, Tools
from rules.declared_tool import declared_tool
from rules.read_json import Unreadable, read_json

CALL = "Call "
_CALLED = re.compile(r"Call ++(?P<name>[^\s{}\[\]]{0,200}+)\s*+")

_HOW = """\
To call functions, answer with one code fence that holds a JSON object for each call, and nothing behind it:

{example}

Escape quotes, backslashes and line breaks inside strings. Give every required parameter.
"""


def forms(tools: Tools) -> Sequence[Form]:
    """List the ways to write a call: a fence, bare JSON, and a line that tells of a call as histories do."""
    del tools
    return (
        Form(FENCE, scan_fence, read_fences, line_start=True, aloud=True, first=True),
        Form(FENCE, scan_last_fences, partial(read_fences, lone=True), line_start=True, aloud=True),
        *BARE,
        Form(CALL, _scan_called, _read_called, line_start=True, aloud=True, first=True),
    )


def _scan_called(tools: Tools) -> Scan:
    """Scan `Call NAME {...}`, the whole message."""
    return FollowedScan(LedScan(partial(_names, tools), UnwrappedScan(Frame(stops=STOPS), tools)), stands_last)


def _names(tools: Tools, text: str, whole: bool) -> bool:
    found = _CALLED.fullmatch(text)
    if found is None:
        return False
    name = found["name"]
    ended = whole or found.end() > found.end("name")
    return declared_tool(name, tools) is not None if ended and name else any(tool.name.startswith(name) for tool in tools)


def _read_called(block: str, tools: Tools) -> tuple[ToolCall, ...] | None:
    found = _CALLED.match(block)
    if found is None or declared_tool(found["name"], tools) is None:
        return None
    text = block[found.end() :].strip()
    reading = read_json(text)
    if isinstance(reading, Unreadable) or not isinstance(reading.value, dict):
        return (ToolCall("", found["name"], text, whole=False),)
    return (ToolCall("", found["name"], reading.value, written=text if reading.strict else None),)


def render(calls: Sequence[ToolCall]) -> str:
    """Write calls in one fence."""
    items = "\n".join(name_and_arguments(at, call) for at, call in enumerate(calls))
    return checked(JSON_FENCE, f"{FENCE}json\n{items}\n{FENCE}", calls)


def describe(tools: Tools) -> str:
    """Describe tools and the form of a call."""
    return describe_tools(tools, _HOW, render)


def result(name: str, text: str) -> str:
    """Show a tool's result in a user's message."""
    return f"Result of {name}:\n{text}"


JSON_FENCE = Dialect(
    name="json_fence",
    forms=forms,
    render=render,
    describe=describe,
    result=result,
    thinking=(("<think>", "</think>"),),
)
