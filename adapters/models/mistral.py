"""The dialect of Mistral: a name and JSON behind `[TOOL_CALLS]`, or, before tokenizer version 11, a list of JSON objects.

    [TOOL_CALLS]get_weather[ARGS]{"city": "Paris"}[TOOL_CALLS]get_time[ARGS]{}
    [TOOL_CALLS] [{"name": "get_weather", "arguments": {"city": "Paris"}}]

Version 11 puts `[CALL_ID]` and the call's id of nine letters or digits before `[ARGS]`; version 13 leaves both out. Nothing
closes a call. Source: mistral-common's instruct tokenizers and vLLM's mistral parser (0.32), whose tests show the malformed
shapes: the name before the marker, words before the list, brackets missing at the end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Literal

from adapters.base import Dialect, Form
from adapters.models.headed.headed_read import Headed, headed, json_of, nobodys, sure
from adapters.models.headed.headed_scan import Frame
from adapters.models.tool_prompt import describe_tools
from rules.conversation import ToolCall, Tools

CALLS, CALL_ID, ARGUMENTS = "[TOOL_CALLS]", "[CALL_ID]", "[ARGS]"
END, RESULTS, RESULTS_END = "</s>", "[TOOL_RESULTS]", "[/TOOL_RESULTS]"

_CALLS, _CALL_ID, _ARGUMENTS = map(re.escape, (CALLS, CALL_ID, ARGUMENTS))
_NAME, _WORDS = r"[\w.:/-]", r"[\w \t]{0,40}"
_ID = rf"(?:{_CALL_ID}\s*\w{{0,64}}\s*)?"
FRAME = Frame(
    openers=(CALLS,),
    begun=re.compile(rf"{_CALLS}(?:\s*{_NAME}{{0,128}}\s*{_ID}(?:{_ARGUMENTS}\s*)?|{_WORDS}(?:\[\s*)?)\Z"),
    head=re.compile(
        rf"{_CALLS}(?:\s*(?P<name>\w{_NAME}*)\s*{_ID}(?:{_ARGUMENTS}\s*)?|(?:\s*|{_WORDS}(?=\[))(?P<list>\[\s*)?)",
    ),
    separators=(ARGUMENTS,),
    inside=(CALL_ID,),
    over=(END, RESULTS),
)
MISPLACED = Frame(
    openers=(),
    begun=re.compile(rf"{_NAME}{{1,128}}(?:(?:{_ARGUMENTS}|{_CALLS})\s*)?\Z"),
    head=re.compile(rf"(?P<name>\w{_NAME}*)(?:{_ARGUMENTS}|{_CALLS})\s*"),
    separators=(ARGUMENTS,),
    over=(CALLS, END, RESULTS),
)
"""A declared name before the marker, or without it."""

_SHORT_ID = re.compile(r"[A-Za-z0-9]{9}")

_HOW = """\
To call a function, answer in this form, with nothing behind it:

{example}

The arguments are one JSON object with every required parameter. Several calls stand one behind the other, each with its \
markers.
"""


def forms(tools: Tools) -> Sequence[Form]:
    """List the ways to write a call: behind its marker; by a declared name at the start of a line; and the end of the answer."""
    reads, misplaced = headed(FRAME, tools), headed(MISPLACED, tools)
    bare = [misplaced.form(f"{tool.name}{ARGUMENTS}", line_start=True) for tool in tools]
    before = [f"{tool.name}{CALLS}{{" for tool in tools]
    named = [misplaced.form(opener, line_start=True) for opener in before]
    spoken = [Form(opener, misplaced.scan, partial(_behind_a_word, reads)) for opener in before]
    return (reads.form(CALLS), *bare, *named, *spoken, Form(END, _LastScan, nobodys))


def _behind_a_word(reads: Headed, block: str, tools: Tools) -> tuple[ToolCall, ...]:
    """Read a call whose name stands within a line: the end of a sentence, or of a longer name."""
    return reads.read(block[block.index(CALLS) :], tools)


class _LastScan:
    """Takes `</s>` where the text ends with it. Anywhere else it may be HTML: `<s>struck out</s>`."""

    def __init__(self, tools: Tools) -> None:
        del tools
        self._text = ""

    def feed(self, piece: str) -> Literal["no"] | None:
        self._text = (self._text + piece).rstrip()
        return None if END.startswith(self._text) else "no"

    def finish(self) -> int:
        return len(END)


def render(calls: Sequence[ToolCall]) -> str:
    """Write calls as version 11 and later do; an id where it is one of Mistral's."""
    return "".join(map(_write, calls))


def _write(call: ToolCall) -> str:
    call_id = f"{CALL_ID}{call.id}" if _SHORT_ID.fullmatch(call.id) else ""
    return sure(f"{CALLS}{call.name}{call_id}{ARGUMENTS}{json_of(call)}", call, Headed(FRAME))


def describe(tools: Tools) -> str:
    """Describe tools and the form of a call."""
    return describe_tools(tools, _HOW, render)


def result(name: str, text: str) -> str:
    """Show a tool's result as version 13 does."""
    del name
    return f"{RESULTS}{text}{RESULTS_END}"


MISTRAL = Dialect(
    name="mistral",
    forms=forms,
    render=render,
    describe=describe,
    result=result,
    thinking=(("[THINK]", "[/THINK]"), ("<think>", "</think>")),
    closers=("[/TOOL_CALLS]", RESULTS_END),
    results=(RESULTS,),
)
