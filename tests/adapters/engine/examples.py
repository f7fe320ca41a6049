"""An answer for each known fault that is not among those recorded from a real server: by name, with the version it may come from."""

from __future__ import annotations

from typing import Any

from adapters.engine.base import Heard
from adapters.models.native import call_of
from rules.conversation import ToolCall, ToolSpec

TOOLS = (
    ToolSpec(
        "run",
        "",
        {
            "type": "object",
            "properties": {"command": {"type": "string"}, "wait": {"type": "number"}, "force": {"type": "boolean"}},
        },
    ),
)


def call(arguments: str, name: str = "run", *, whole: bool = True) -> ToolCall:
    made = call_of("", name, arguments)
    return ToolCall("", name, made.arguments, whole, made.written)


def heard(dialect: str, raw: str, read: tuple[str, ...] = (), served: tuple[str, ...] = (), **more: Any) -> Heard:
    """Build an answer whose calls are all of `run`, given by their arguments."""
    known: dict[str, Any] = {"read": tuple(map(call, read)), "served": tuple(map(call, served)), "text": "", "finish": "stop"}
    return Heard(**{"raw": raw, "dialect": dialect, "tools": TOOLS, **known, **more})


GEMMA = '<|tool_call>call:run{command:<|"|>ls<|"|>}<tool_call|>'
QWEN = "<tool_call>\n<function=run>\n<parameter=command>\nls\n</parameter>\n</function>\n</tool_call>"
HERMES = '<tool_call>\n{"name": "run", "arguments": {"command": "ls"}}\n</tool_call>'
LS = '{"command": "ls"}'
BRACE = '{"command": "echo {"}'
CUT = (call(LS, whole=False),)

EXAMPLES: dict[str, tuple[Heard, str]] = {
    "gemma4-colon-without-call": (heard("gemma4", '<|tool_call>:run{command:<|"|>ls<|"|>}<tool_call|>', (LS,)), "0.20"),
    "gemma4-stream-doubles": (
        heard("gemma4", "<|tool_call>call:run{wait:108.2}<tool_call|>", ('{"wait": 108.2}',), ('{"wait": 108.02}',)),
        "0.22",
    ),
    "gemma4-answer-in-thought": (heard("gemma4", "It is done.", text="It is done.", reasoning="It is done."), "0.32"),
    "gemma4-channel-markers-return": (
        heard(
            "gemma4",
            "<|channel>thought\nHm.<channel|>Yes.",
            text="Yes.",
            content="Yes.<channel|>",
            marks=frozenset({"<channel|>"}),
        ),
        "",
    ),
    "gemma4-thought-in-answer": (
        heard(
            "gemma4",
            "<|channel>thought\nOne.\nThe file is there.<channel|>Yes.",
            text="Yes.",
            thinking="One.\nThe file is there.",
            content="The file is there.Yes.",
            reasoning="One.",
        ),
        "",
    ),
    "gemma4-thought-without-end": (
        heard("gemma4", "<|channel>thought\nI look at it.<channel|>", thinking="I look at it.", reasoning="I look"),
        "",
    ),
    "qwen-several-in-block": (
        heard("qwen_xml", QWEN.replace("</tool_call>", "<function=run>\n</function>\n</tool_call>"), (LS, "{}"), (LS + "}",)),
        "",
    ),
    "qwen-stream-cut": (heard("qwen_xml", QWEN, ('{"command": "ls", "wait": "1"}',), ('{"command": "ls", "wait": 1',)), "0.32"),
    "qwen-call-in-thought": (heard("qwen_xml", f"<think>\nHm.\n{QWEN}\n</think>", (LS,), reasoning=QWEN), "0.19"),
    "qwen-answer-in-thought": (heard("qwen_xml", "It is done.", text="It is done.", reasoning="It is done."), "0.32"),
    "qwen-thought-in-answer": (
        heard("qwen_xml", "<think>Hm.</think>Yes.", text="Yes.", content="<think>Hm.</think>Yes.", marks=frozenset({"<think>"})),
        "0.32",
    ),
    "qwen-boolean-as-text": (heard("qwen_xml", QWEN, ('{"force": true}',), ('{"force": "true"}',)), "0.11"),
    "qwen-parameter-lost": (heard("qwen_xml", QWEN, ('{"command": "ls", "wait": 1}',), (LS,)), "0.18"),
    "qwen-second-call-lost": (heard("qwen_xml", f"{QWEN}\n{QWEN}", (LS, '{"command": "pwd"}'), (LS,)), "0.18"),
    "hermes-braces-when-demanded": (heard("hermes_json", HERMES, (BRACE,), ('{"command": "echo',), demanded=True), "0.32"),
    "hermes-braces-in-string": (heard("hermes_json", HERMES, (BRACE,), ('{"command": "echo',)), "0.10"),
    "hermes-arguments-lost": (heard("hermes_json", HERMES, (LS,), ("",)), "0.10.0"),
    "finish-reason-hides-cut": (
        heard("gemma4", GEMMA[:-20], read=(), served=(LS,), limited=True, finish="tool_calls", streamed=False),
        "0.32.0",
    ),
    "streamed-finish-reason-hides-cut": (heard("gemma4", GEMMA[:-20], served=(LS,), limited=True, finish="tool_calls"), "0.27"),
    "calls-announced-none-served": (heard("", "I cannot do that.", text="I cannot do that.", finish="tool_calls"), "0.32"),
}
