"""The dialect of gpt-oss (Harmony): messages in channels; a call is a message to a function, with JSON in it.

    <|channel|>analysis<|message|>I need the weather.<|end|><|start|>assistant<|channel|>commentary to=functions.get_weather
    <|constrain|>json<|message|>{"city": "Paris"}<|call|>

(all on one line). The channel `analysis` holds thoughts, `final` the answer, `commentary` without a recipient a visible preamble.
Source: OpenAI's Harmony guide and gpt-oss' chat template; the malformed shapes are those of vllm-mlx#562, hermes-agent#8993,
vllm#32587, tiles#145 and ollama#11704. What a server leaves that takes the special tokens out of the text: `harmony_stripped`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from adapters.base import Dialect, Form
from adapters.lexer import Lexer
from adapters.models import harmony_stripped as stripped
from adapters.models.headed.headed_read import Headed, headed, json_of, nobodys, sure
from adapters.models.headed.headed_scan import Frame
from adapters.models.tool_prompt import describe_tools
from rules.conversation import ToolCall, Tools

START, CHANNEL, CONSTRAIN, MESSAGE = "<|start|>", "<|channel|>", "<|constrain|>", "<|message|>"
END, CALL, RETURN = "<|end|>", "<|call|>", "<|return|>"
ASSISTANT = f"{START}assistant"
ANALYSIS, FINAL = f"{CHANNEL}analysis{MESSAGE}", f"{CHANNEL}final{MESSAGE}"

_ASSISTANT, _CHANNEL, _CONSTRAIN, _MESSAGE = map(re.escape, (ASSISTANT, CHANNEL, CONSTRAIN, MESSAGE))
_TO, _SPACE = r"to=[^\s<]{0,128}", r"[ \t]?"
_HEADER = (
    rf"{_CHANNEL}(?:[a-z]{{1,10}}(?:{_SPACE}(?:{_TO}|\w{{0,10}}))?(?:{_SPACE}\w{{0,10}})?{_SPACE}"
    rf"(?:{_CHANNEL}\w{{0,10}}{_SPACE})?(?:{_CONSTRAIN}[^<\n]{{0,200}})?)?"
)
FRAME = Frame(
    openers=(CHANNEL,),
    begun=re.compile(rf"(?:{_ASSISTANT})?(?:{_SPACE}{_TO}{_SPACE})?(?:{_HEADER}(?:{_MESSAGE}\s*)?)?\Z"),
    head=re.compile(
        rf"(?:{_ASSISTANT})?(?:{_CHANNEL}[a-z]*)?\s*to=(?:functions\.)?(?P<name>[^\s<]+)[^{{]*{_MESSAGE}\s*",
    ),
    separators=(MESSAGE,),
    inside=(CONSTRAIN,),
    closers=(CALL,),
    over=(END, RETURN, START, ASSISTANT),
)
_PLAIN = re.compile(rf"{_HEADER}(?:{_MESSAGE})?\Z")

_HOW = """\
To call a function, end your answer with a message to it, in this form:

{example}

The arguments are one JSON object with every required parameter.
"""


class _PlainHeader:
    """Finds the end of the header of a message to nobody, whose text is the model's answer."""

    def __init__(self, tools: Tools) -> None:
        del tools
        self._lexer = Lexer((CHANNEL, CONSTRAIN, MESSAGE, END, START))
        self._head = ""

    def feed(self, piece: str) -> int | Literal["no"] | None:
        for token in self._lexer.feed(piece):
            self._head += token.text
            if "to=" in self._head or not _PLAIN.match(self._head):
                return "no"
            if token.marker == MESSAGE:
                return token.end
        return None

    def finish(self) -> int | Literal["no"]:
        end = self.feed("")
        return len(self._head) if end is None else end


def forms(tools: Tools) -> Sequence[Form]:
    """List what a message's header may be: one to a function, wherever the recipient stands, or one to nobody."""
    reads = headed(FRAME, tools)
    heads = (reads.form(CHANNEL), reads.form(f"{ASSISTANT} to="), reads.form("to=functions.", first=True))
    return (Form(CHANNEL, _PlainHeader, nobodys), *heads, *stripped.forms(tools))


def render(calls: Sequence[ToolCall]) -> str:
    """Write calls, each as a message of its own; the prompt has opened the first."""
    return ASSISTANT.join(map(_write, calls))


def _write(call: ToolCall) -> str:
    head = f"{CHANNEL}commentary to=functions.{call.name} {CONSTRAIN}json{MESSAGE}"
    return sure(f"{head}{json_of(call)}{CALL}", call, Headed(FRAME))


def describe(tools: Tools) -> str:
    """Describe tools and the form of a call."""
    return describe_tools(tools, _HOW, render)


def result(name: str, text: str) -> str:
    """Show a tool's result as the template does: a message from the function."""
    return f"{START}functions.{name} to=assistant{CHANNEL}commentary{MESSAGE}{text}{END}"


HARMONY = Dialect(
    name="harmony",
    forms=forms,
    render=render,
    describe=describe,
    result=result,
    thinking=tuple((ANALYSIS, closer) for closer in (END, ASSISTANT, FINAL)),
    closers=(END, ASSISTANT, FINAL, CALL, MESSAGE, CONSTRAIN),  # END, ASSISTANT and FINAL part visible messages, too
    ends=(RETURN, f"{START}user"),
    results=(FINAL, stripped.FINAL, f"{START}functions."),  # a final message behind a call can only invent its result
)
