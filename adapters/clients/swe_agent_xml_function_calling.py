"""SWE-agent's `xml_function_calling`: prose, then one call in the tags that Qwen and OpenHands use, too.

    I will look first.
    <function=bash>
    <parameter=command>ls -la</parameter>
    </function>

The first call is run. The newline behind `<function=...>` must be there, values are stripped of blanks at both ends, and
`view_range` must be two numbers without a sign. Its prompt names neither the format nor a tool. Source: SWE-agent 1.1.0,
`XMLFunctionCallingParser`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

from adapters.base import Body, Client
from adapters.clients import prompted
from adapters.clients.shell_text import bears_trimming, sayable
from adapters.clients.swe_agent_commands import BASH, command_of, documented, offered, reroute
from adapters.clients.swe_agent_words import SAY, of_tools
from rules.conversation import Arguments, Conversation, Json, ToolCall, Turn

_OPEN, _CLOSE, _VALUE, _VALUE_END = "<function=", "</function>", "<parameter=", "</parameter>"
_MARKS = (_OPEN, _CLOSE, _VALUE, _VALUE_END)
_RANGE = re.compile(r"\[\d+, ?\d+\]")
_FORM = "<function=bash>\n<parameter=command>ls -la</parameter>\n</function>"


def recognises(body: Body) -> bool:
    """Tell it by documented commands and an example of a call. The shipped prompt shows neither: that one needs the path."""
    text = "" if body.get("tools") else prompted.head(body)
    return _OPEN in text and bool(documented(text))


def read(body: Body) -> Conversation:
    """Read the calls that were made."""
    return prompted.conversation(body, offered(prompted.head(body)), find)


def find(text: str) -> tuple[str, str, Arguments] | None:
    """Find the first call, as SWE-agent does."""
    start = text.find(_OPEN)
    name, newline, rest = text[start + len(_OPEN) :].partition(">\n")
    end = rest.find(_CLOSE)
    if start < 0 or not newline or ">" in name or end < 0:
        return None
    return text[:start].strip(), name.strip(), dict(_parameters(rest[:end]))


def _parameters(body: str) -> Iterator[tuple[str, Json]]:
    at = 0
    while (start := body.find(_VALUE, at)) >= 0:
        close = body.find(">", start)
        end = body.find(_VALUE_END, close)
        if close < 0 or end < 0:
            return
        yield body[start + len(_VALUE) : close], body[close + 1 : end].strip()
        at = end + len(_VALUE_END)


def express(turn: Turn, _within: Conversation) -> Turn:
    """Write the call where SWE-agent reads back exactly this one; otherwise as a command for bash, encoded if need be."""
    prose = turn.text.replace(_OPEN, "<function =")
    if not turn.calls:
        return replace(turn, text=prose)
    call = turn.calls[0]
    command = command_of(call)
    if call.name == BASH.name or not _carries(call):
        broken = any(mark in command for mark in _MARKS) or not bears_trimming(command)
        call = ToolCall(call.id, BASH.name, {"command": reroute(command) if broken else command})
    return replace(turn, text=prompted.behind(prose, write(call)), calls=())


def _carries(call: ToolCall) -> bool:
    """Tell whether the values of the editor's call stay what they are."""
    arguments = call.arguments if not isinstance(call.arguments, str) else {}
    texts = {name: _text(value) for name, value in arguments.items()}
    whole = all(text == text.strip() and not any(mark in text for mark in _MARKS) for text in texts.values())
    return whole and None not in arguments.values() and bool(_RANGE.fullmatch(texts.get("view_range", "[1, 2]")))


def write(call: ToolCall) -> str:
    """Write a call, its values unpadded."""
    arguments = call.arguments if not isinstance(call.arguments, str) else {}
    lines = [f"{_VALUE}{name}>{_text(value)}{_VALUE_END}" for name, value in arguments.items()]
    return "\n".join([f"{_OPEN}{call.name}>", *lines, _CLOSE])


def _text(value: Json) -> str:
    return sayable(value) if isinstance(value, str) else json.dumps(value)


def instructs(within: Conversation) -> str:
    """Tell format and tools where the prompt tells neither."""
    text = prompted.head_of(within.turns)
    shown = _OPEN in text or bool(documented(text))
    return "" if shown else of_tools(f"{SAY}, as one call that ends your answer", _FORM, within.tools)


SWE_AGENT_XML_FUNCTION_CALLING = Client(
    name="swe_agent_xml_function_calling",
    recognises=recognises,
    read=read,
    express=express,
    reads=("qwen_xml",),
    instructs=instructs,
)
