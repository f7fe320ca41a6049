"""The dialect of ReAct agents: a thought, an action and its input, each on a line that a word begins.

    Thought: I need the weather.
    Action: get_weather
    Action Input: {"city": "Paris"}

The action may be an object that holds both (LangChain's structured chat), a call in Python's syntax, a name with its input in
brackets (the ReAct paper), or an XML block under Markdown headings; the input may be plain text for a tool that takes one. What
follows as `Observation:` or `Final Answer:` behind an action is invented. It must be asked for: elsewhere these words are prose.
Source: the ReAct paper (Yao et al. 2022), LangChain's ReAct and structured chat agents, and the shapes of the corpus.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial

from adapters.base import Dialect, Form, Scan, Unwritable
from adapters.models.end_tokens import without_end
from adapters.models.native import call_of
from adapters.models.python.declared_names import DeclaredNames
from adapters.models.python.python_calls import Style
from adapters.models.python.pythonic_read import form as python_form
from adapters.models.react_scan import ACTIONS, FINALS, NOTHING, RESULTS, THOUGHTS, ReactScan
from adapters.models.react_xml import XmlActionScan
from adapters.models.react_xml import read as read_xml
from adapters.models.tool_prompt import describe_tools
from rules.conversation import Json, ToolCall, Tools, ToolSpec
from rules.read_json import Reading, read_json

_NAMES = ("action", "name", "tool")
_INPUTS = ("action_input", "arguments", "input", "tool_input", "parameters")

_HOW = """\
Answer in this form: a line that begins with "Thought:" and says what you think, then a call, and nothing behind it:

Thought: what should be done next, and why
{example}

The input is one JSON object on one line. Give every required parameter. You will then be told the observation. When no call is \
needed any more, write a line that begins with "Final Answer:" in place of the call.
"""


def forms(tools: Tools) -> Sequence[Form]:
    """List the ways to write an action, each behind any of its words."""
    names = DeclaredNames(tools)
    return [form for opener in ACTIONS for form in _forms(opener, names)]


def _forms(opener: str, names: DeclaredNames) -> Sequence[Form]:
    def scan(tools: Tools) -> Scan:
        del tools
        return ReactScan(opener, names)

    return (
        Form(opener, scan, partial(read, opener, names), line_start=True),
        python_form(opener, Style(opener, behind="lines"), names, line_start=True),
        Form(opener, partial(XmlActionScan, opener), partial(read_xml, opener), line_start=True),
    )


def read(opener: str, names: DeclaredNames, block: str, tools: Tools) -> tuple[ToolCall, ...] | None:
    """Read an action. A name that nobody declared is one only with an input; `N/A` is none, and nobody's to see."""
    del tools
    scan = ReactScan(opener, names)
    if scan.feed(block) is None:
        scan.finish()
    whole = scan.complete or block.endswith("\n")
    if scan.body is None:
        if scan.name.lower() in NOTHING and not names.meant(scan.name):
            return ()
        known = names.meant(scan.name) is not None
        return (_call(scan.name, scan.query or "", whole=whole or scan.query is not None),) if known else None
    text = block[scan.body :].removeprefix("**").strip() if whole else without_end(block[scan.body :]).removeprefix("**").strip()
    if scan.kind == "fence":
        text = _unfenced(text)
    if not scan.name:
        return _held(text, whole=whole)
    if scan.name.lower() in NOTHING and not names.meant(scan.name):
        return ()
    return (_call(scan.name, text, whole=whole),)


def _unfenced(text: str) -> str:
    """Take off a fence."""
    inside = text.partition("\n")[2]
    return inside.removesuffix("```").removesuffix("\n")


def _held(text: str, *, whole: bool) -> tuple[ToolCall, ...] | None:
    """Read an object that holds the action's name and input. An answer in that form is for the client to read."""
    reading = read_json(text, closed=whole)
    held = reading.value if isinstance(reading, Reading) else None
    if not isinstance(held, dict):
        return None if whole else (ToolCall("", "", text, whole=False),)
    name = next((held[key] for key in _NAMES if key in held), None)
    if not isinstance(name, str) or name.lower() in ("final answer", *NOTHING):
        return None
    given: Json = next((held[key] for key in _INPUTS if key in held), None)
    if isinstance(given, str):
        return (_call(name, given, whole=True),)
    return (ToolCall("", name, given if isinstance(given, dict) else json.dumps(given, ensure_ascii=False)),)


def _call(name: str, text: str, *, whole: bool) -> ToolCall:
    """Make a call of an input: an object, or plain text, which the rules give to a tool that takes one."""
    if text.startswith(("{", "[")):
        call = call_of("", name, text)
        return call if whole or not isinstance(call.arguments, str) else ToolCall("", name, text, whole=False)
    reading = read_json(text)
    string = isinstance(reading, Reading) and reading.strict and isinstance(reading.value, str)
    if text.lower() in ("", *NOTHING):
        return ToolCall("", name, "", whole=whole)
    if len(text) > 1 and text[0] == text[-1] == "'" and "'" not in text[1:-1]:
        text = text[1:-1]
    return ToolCall("", name, text if string else json.dumps(text, ensure_ascii=False), whole=whole or string)


def render(calls: Sequence[ToolCall]) -> str:
    """Write calls as actions, one behind the other. What would be read otherwise cannot be written."""
    return "\n".join(map(_write, calls))


def _write(call: ToolCall) -> str:
    if isinstance(call.arguments, str):
        raise Unwritable("arguments that could not be read as an object")
    try:
        arguments = json.dumps(call.arguments, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise Unwritable("arguments that are no JSON") from error
    opener = ACTIONS[0]
    block = f"{opener} {call.name}\nAction Input: {arguments}"
    names = DeclaredNames((ToolSpec(call.name),))
    again = read(opener, names, block, ()) if ReactScan(opener, names).feed(f"{block}\n.") == len(block) else None
    if again != (ToolCall("", call.name, call.arguments),):
        raise Unwritable("a name or arguments that would not be read as they were")
    return block


REACT = Dialect(
    name="react",
    forms=forms,
    render=render,
    describe=lambda tools: describe_tools(tools, _HOW, render),
    result=lambda name, text: f"Observation: {text}",  # noqa: ARG005 - the last action's
    thinking=tuple((thought, closer) for thought in THOUGHTS for closer in (*ACTIONS, *FINALS)),
    results=(*RESULTS, *FINALS),
    asked=True,
)
