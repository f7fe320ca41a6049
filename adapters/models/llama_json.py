"""The dialect of Llama 3.1 to 3.3, and of Llama 4 where it is not pythonic: bare JSON.

    {"name": "get_weather", "parameters": {"city": "Paris"}}

`<|python_tag|>` may stand before it, `<|python_start|>` and `<|python_end|>` around it, and `;` between several. Source: vLLM's
parsers llama3_json and llama4_json (0.32) and Meta's chat templates.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from adapters.base import Dialect, Form
from adapters.models.json_blocks.bare_json import BARE, STOPS
from adapters.models.json_blocks.json_block_read import read_block
from adapters.models.json_blocks.json_tokens import Frame
from adapters.models.json_blocks.json_unwrapped import UnwrappedScan
from adapters.models.json_blocks.json_write import checked, name_and_parameters
from adapters.models.tool_prompt import describe_tools
from rules.conversation import ToolCall, Tools

TAG, START, END = "<|python_tag|>", "<|python_start|>", "<|python_end|>"

_HOW = """\
To call a function, answer with one JSON object, and nothing before or behind it:

{example}

Escape quotes, backslashes and line breaks inside strings. Give every required parameter. Put `; ` between several calls.
"""


def _marked(opener: str) -> Form:
    frame = Frame(opener, stops=(TAG, START, END, *STOPS), several=True)
    return Form(opener, partial(UnwrappedScan, frame), partial(read_block, frame))


_FORMS = (_marked(TAG), _marked(START), *BARE)


def forms(tools: Tools) -> Sequence[Form]:
    """List the ways to write a call: behind a marker, and bare."""
    del tools
    return _FORMS


def render(calls: Sequence[ToolCall]) -> str:
    """Write calls as Llama does."""
    return checked(LLAMA_JSON, "; ".join(name_and_parameters(at, call) for at, call in enumerate(calls)), calls)


def describe(tools: Tools) -> str:
    """Describe tools and the form of a call."""
    return describe_tools(tools, _HOW, render)


def result(name: str, text: str) -> str:
    """Show a tool's result in a user's message: Llama's own place for it, the role `ipython`, is none that a client has."""
    return f"Result of {name}:\n{text}"


LLAMA_JSON = Dialect(
    name="llama_json",
    forms=forms,
    render=render,
    describe=describe,
    result=result,
    thinking=(("<think>", "</think>"),),
    closers=(END,),
    ends=("<|eot_id|>", "<|eom_id|>", "<|eot|>", "<|end_of_text|>"),
)
