"""The dialect of FunctionGemma: Gemma 4's form of a call under markers of its own, with every value between `<escape>`.

    <start_function_call>call:get_weather{city:<escape>Paris<escape>,days:<escape>3<escape>}<end_function_call>

It is read by Gemma 4's machine, so bare numbers, objects and lists, which the model's template shows, are read as well. Source:
vLLM's functiongemma parser (0.32) and the model's formatting guide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import partial

from adapters.base import Dialect, Form, Unwritable
from adapters.models.gemma4 import GEMMA, MarkedScan, Marks, read_marked
from adapters.models.gemma4_values import write_key
from rules.conversation import Json, ToolCall, Tools, ToolSpec

RESPONSE = "<start_function_response>"
ENDS = ("<end_of_turn>", "<eos>")
_WORD = re.compile(r"[^\s:={}\[\](),\"'<]+")
MARKS = Marks("<escape>", "<start_function_call>", "<end_function_call>", (RESPONSE, *ENDS))


def forms(tools: Tools) -> Sequence[Form]:
    """List the ways to write a call: there is one."""
    del tools
    return (Form(MARKS.opener, partial(MarkedScan, marks=MARKS), read),)


def read(block: str, tools: Tools) -> tuple[ToolCall, ...] | None:
    """Read a block as Gemma 4's, with the markers exchanged; one that holds Gemma 4's own could not be told apart."""
    if any(mark in block for mark in (GEMMA.string, GEMMA.opener, GEMMA.closer)):
        return (ToolCall("", "", block, whole=block.endswith(MARKS.closer)),)
    return read_marked(_exchanged(block), tools)


def _exchanged(block: str) -> str:
    """Exchange the markers that are the format's own: the outer ones, and those of strings."""
    closed = block.endswith(MARKS.closer)
    body = block.removeprefix(MARKS.opener).removesuffix(MARKS.closer).replace(MARKS.string, GEMMA.string)
    return f"{GEMMA.opener}{body}{GEMMA.closer if closed else ''}"


def render(calls: Sequence[ToolCall]) -> str:
    """Write calls, one behind the other. What our own reader would not give back cannot be written."""
    return "".join(map(_write, calls))


def _write(call: ToolCall) -> str:
    if isinstance(call.arguments, str):
        raise Unwritable("arguments that could not be read as an object")
    written = {key: as_text(value) for key, value in call.arguments.items()}
    pairs = ",".join(f"{write_key(key)}:{MARKS.string}{text}{MARKS.string}" for key, text in written.items())
    block = f"{MARKS.opener}call:{call.name}{{{pairs}}}{MARKS.closer}"
    words: dict[str, Json] = {word: {} for word in (*written, *_WORD.findall(block))}  # any of them may be declared
    whole, known = ToolCall("", call.name, written), ToolSpec(call.name, "", {"properties": words})
    ends = MarkedScan((), MARKS).feed(f"{block}\n.") == len(block)
    if not ends or any(read(block, tools) != (whole,) for tools in ((), (known,))):
        raise Unwritable("a name or value that the markers around it would not carry")
    return block


def as_text(value: Json) -> str:
    """Return a value as it stands between its markers."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def describe(tools: Tools) -> str:
    """Declare tools under the model's own markers, with the whole schema in the description."""
    return "".join(_declare(tool.name, tool.description, dict(tool.parameters)) for tool in tools)


def _declare(name: str, description: str, parameters: dict[str, Json]) -> str:
    text = f"{description}\nParameters as JSON Schema: {json.dumps(parameters, ensure_ascii=False, sort_keys=True)}"
    inner = f"{{description:{MARKS.string}{text.replace(MARKS.string, '')}{MARKS.string}}}"
    return f"<start_function_declaration>declaration:{name}{inner}<end_function_declaration>\n"


def result(name: str, text: str) -> str:
    """Show a tool's result as the model's template does."""
    inner = f"{{value:{MARKS.string}{text.replace(MARKS.string, '')}{MARKS.string}}}"
    return f"{RESPONSE}response:{name}{inner}<end_function_response>"


FUNCTIONGEMMA = Dialect(
    name="functiongemma",
    forms=forms,
    render=render,
    describe=describe,
    result=result,
    closers=(MARKS.closer, "<end_function_response>"),
    ends=ENDS,
    results=(RESPONSE,),
)
