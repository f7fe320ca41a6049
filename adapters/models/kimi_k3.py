"""The dialect of Kimi K3: tags made of three special tokens, around values that have no escapes.

    <|open|>tools<|sep|><|open|>call tool="get_weather" index="1"<|sep|>
    <|open|>argument key="city" type="string"<|sep|>Paris<|close|>argument<|sep|>
    <|open|>argument key="days" type="number"<|sep|>3<|close|>argument<|sep|>
    <|close|>call<|sep|><|close|>tools<|sep|>

(all on one line). A value that is no string is JSON. Arguments that were no JSON object stand in the model's prompt as
`<|open|>json type="object"<|sep|>...`. The answer stands in a `response`, the thought in a `think`, which the prompt opens.
Source: vLLM's kimi_k3 parser (0.32) and sglang's KimiK3Detector; the leaked shape is that of oh-my-pi#8495.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from adapters.base import Dialect, Form, Unwritable
from adapters.models.headed.headed_read import arguments_of
from adapters.models.kimi_k3_scan import CLOSE, CLOSERS, END, OPEN, SEP, Called, K3Scan, Value
from adapters.models.tool_prompt import describe_tools
from rules.conversation import Json, ToolCall, Tools
from rules.read_json import Reading, read_json

SLICE = 4096
_KINDS: Mapping[type, str] = {bool: "boolean", type(None): "null", int: "number", float: "number", str: "string", dict: "object"}

_HOW = """\
To call a function, answer in this form, with nothing behind it:

{example}

A string stands between its tags as it is, without quotes or escapes; every other value is written as JSON, with its type in the \
tag. Give every required parameter. Several calls stand one behind the other, numbered from 1.
"""


def forms(tools: Tools) -> Sequence[Form]:
    """List what the two markers of a tag may begin: a call, or a tag that is nobody's to read."""
    del tools
    return (Form(OPEN, K3Scan, read), Form(CLOSE, K3Scan, read))


def read(block: str, tools: Tools = ()) -> tuple[ToolCall, ...]:
    """Read a block: one call, or a tag that holds none."""
    del tools
    scan = K3Scan()
    if not any(scan.feed(block[at : at + SLICE]) is not None for at in range(0, len(block), SLICE)):
        scan.finish()
    called = scan.called
    return () if called is None else (_call(called, block),)


def _call(called: Called, block: str) -> ToolCall:
    body = block[called.start : called.end].strip()
    if not called.values:
        return arguments_of(called.name, body or "{}", ended=called.closed)
    value = called.values[0]
    if value.key is None and len(called.values) == 1 and not called.doubtful:
        return arguments_of(called.name, block[value.start : value.end if value.end >= 0 else called.end], ended=value.end >= 0)
    arguments = None if called.doubtful else _arguments(called, block)
    return ToolCall("", called.name, body if arguments is None else arguments, whole=called.closed)


def _arguments(called: Called, block: str) -> dict[str, Json] | None:
    """Return the arguments; None where one has no key, two have the same, or one lost its closer and swallowed others."""
    arguments: dict[str, Json] = {}
    for value in called.values:
        text = block[value.start : value.end if value.end >= 0 else called.end]
        if not value.key or value.key in arguments or (value.end < 0 and (OPEN in text or CLOSE in text)):
            return None
        arguments[value.key] = _value(value, text)
    return arguments


def _value(value: Value, text: str) -> Json:
    reading = read_json(text) if value.kind != "string" else None
    return reading.value if isinstance(reading, Reading) and reading.strict else text


def render(calls: Sequence[ToolCall]) -> str:
    """Write calls in their group, numbered from 1. A value that holds its own closer cannot be written."""
    return f"{_open('tools')}{''.join(_write(call, number) for number, call in enumerate(calls, 1))}{_close('tools')}"


def _write(call: ToolCall, number: int) -> str:
    if not isinstance(call.arguments, Mapping):
        raise Unwritable("arguments that could not be read as an object")
    values = "".join(_write_value(key, value) for key, value in call.arguments.items())
    block = f"{_open('call', tool=call.name, index=str(number))}{values}{_close('call')}"
    if K3Scan().feed(block) != len(block) or read(block) != (ToolCall("", call.name, call.arguments),):
        raise Unwritable("a name or value that the tags around it would not carry")
    return block


def _write_value(key: str, value: Json) -> str:
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise Unwritable("arguments that are no JSON") from error
    return f"{_open('argument', key=key, type=_KINDS.get(type(value), 'array'))}{text}{CLOSERS['argument']}"


def _open(word: str, **given: str) -> str:
    pairs = "".join(f' {name}="{value.replace("&", "&amp;").replace(chr(34), "&quot;")}"' for name, value in given.items())
    return f"{OPEN}{word}{pairs}{SEP}"


def _close(word: str) -> str:
    return f"{CLOSE}{word}{SEP}"


def describe(tools: Tools) -> str:
    """Describe tools and the form of a call."""
    return describe_tools(tools, _HOW, render)


def result(name: str, text: str) -> str:
    """Show a tool's result as Kimi's prompt does."""
    return f"{_open('message', role='tool', tool=name)}{text}{_close('message')}"


KIMI_K3 = Dialect(
    name="kimi_k3",
    forms=forms,
    render=render,
    describe=describe,
    result=result,
    thinking=((_open("think"), _close("think")),),
    closers=(SEP, *CLOSERS.values()),
    ends=(END,),
)
