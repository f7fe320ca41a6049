"""The dialect of Muse Glimmer: every message is addressed, a call to its tool, in XML with tags of its own.

    to=self<|message|>I should look it up.<|eom|><|start|>assistant to=get_weather<|message|><atem:function_calls>
    <atem:invoke name="get_weather">
    <atem:parameter name="city">Paris</atem:parameter>
    </atem:invoke>
    </atem:function_calls><|eom|>

What is said to `self` is thought, what is said to `user` is the answer. The prompt ends in `<|start|>assistant`, so the first
message begins with its address. Qwen's machine reads the XML; the addresses are markup. A tool `f` may be called `f.f`. Calls are
written without addresses: those belong to the server's template. Source: the public tests of vLLM's muse_glimmer parsers (0.32).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from adapters.base import Form, Read
from adapters.models import qwen_xml
from adapters.models.tags.qwen_xml_tags import Writing
from rules.conversation import ToolCall, Tools

EOM = "<|eom|>"
ENDS = ("<|eot|>", "<|end_of_text|>")
WRITING = Writing("atem:function_calls", "atem:invoke", "atem:parameter", attribute=True, framed=False, ends=(EOM, *ENDS))
_STARTS = ("", "<|start|>assistant ")


def forms(tools: Tools) -> Sequence[Form]:
    """List the ways to write a call, and the addresses of declared tools, which are nobody's to read."""
    calls = [replace(form, read=_plainly(form.read)) for form in qwen_xml.forms(tools, WRITING)]
    names = [name for tool in tools for name in (tool.name, f"{tool.name}.{tool.name}")]
    return (*calls, *(_address(name, start) for name in names for start in _STARTS))


def _plainly(read: Read) -> Read:
    """Give a call the name of its tool where the model doubled it."""

    def plainly(block: str, tools: Tools) -> tuple[ToolCall, ...] | None:
        calls = read(block, tools)
        declared = {f"{tool.name}.{tool.name}": tool.name for tool in tools}
        return calls and tuple(replace(call, name=declared.get(call.name, call.name)) for call in calls)

    return plainly


def _address(name: str, start: str) -> Form:
    opener = f"{start}to={name}<|message|>"
    return Form(opener, lambda tools: _Whole(len(opener)), lambda block, tools: (), line_start=not start)  # noqa: ARG005


class _Whole:
    """Ends a block where its opener does. Satisfies `adapters.base.Scan`."""

    def __init__(self, end: int) -> None:
        self._end = end
        self._seen = 0

    def feed(self, piece: str) -> int | Literal["no"] | None:
        self._seen += len(piece)
        return self._end if self._seen >= self._end else None

    def finish(self) -> int | Literal["no"]:
        return self._end


def result(name: str, text: str) -> str:
    """Show a tool's result as the template does, in a user's message."""
    return f'<tool_output name="{name}">\n{text}\n</tool_output>'


MUSE_GLIMMER = replace(
    qwen_xml.dialect("muse_glimmer", WRITING, tuple((f"{start}to=self<|message|>", EOM) for start in _STARTS)),
    forms=forms,
    result=result,
    closers=(WRITING.closer, EOM, "</tool_output>", *(f"{start}to=user<|message|>" for start in _STARTS), _STARTS[1].strip()),
    ends=ENDS,
    results=("<|start|>tool ", "<tool_output name="),
)
