"""The dialect of Qwen3-Coder and Qwen 3.5 on, and of OpenHands' text: tags around values that have no escapes.

    <tool_call>
    <function=NAME>
    <parameter=KEY>
    VALUE
    </parameter>
    </function>
    </tool_call>

One newline on each side of a value is the frame. Source: the chat template of Qwen3-Coder and vLLM's qwen3_coder parser (0.32);
the malformed shapes are those of the corpus and of OpenHands 0.59.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial

from adapters.base import Dialect, Form, Scan, Unwritable
from adapters.models.end_tokens import HEADER
from adapters.models.tags.qwen_xml_read import read_known
from adapters.models.tags.qwen_xml_tags import QWEN, RESPONSE, Vocabulary, Writing, vocabulary
from adapters.models.tags.qwen_xml_walk import qwen
from adapters.models.tags.read_back import all_declared, reaches_its_end
from adapters.models.tool_prompt import describe_tools
from rules.conversation import Json, ToolCall, Tools, ToolSpec

THINKING = (("<think>", "</think>"), ("<thinking>", "</thinking>"))

_HOW = """\
To call a function, answer with nothing behind this form:

{example}

Every value stands between its tags as it is, without quotes or escapes; objects and lists are written as JSON. Give every \
required parameter. You may think before the call; write nothing after it. Several calls stand in blocks of their own.
"""


def forms(tools: Tools, writing: Writing = QWEN) -> Sequence[Form]:
    """List the ways to write a call: in its wrapper, and without one.

    Without a wrapper it is a call at the start of a line, whatever it names; within a line only if it names a declared tool.
    """
    known = vocabulary(tools, writing)
    reads = partial(read_known, known)
    bare = (f"<{writing.function}=", f"<{writing.function} name=")
    lines = [Form(opener, _scan(known), reads, line_start=True) for opener in bare]
    inline = [Form(opener, _scan(known, strict=True), reads) for opener in bare]
    return (Form(writing.opener, _scan(known, wrapped=True), reads), *lines, *inline)


def _scan(known: Vocabulary, *, wrapped: bool = False, strict: bool = False) -> Callable[[Tools], Scan]:
    return lambda tools: qwen(known, wrapped=wrapped, strict=strict)  # noqa: ARG005 - they are known


def render(calls: Sequence[ToolCall], writing: Writing = QWEN) -> str:
    """Write calls in Qwen's form. What our own reader would not give back cannot be written."""
    return "\n".join(_write(call, writing) for call in calls)


def _write(call: ToolCall, writing: Writing) -> str:
    if isinstance(call.arguments, str):
        raise Unwritable("arguments that could not be read as an object")
    written = {name: as_text(value) for name, value in call.arguments.items()}
    frame, parameter, function = "\n" if writing.framed else "", writing.parameter, writing.function
    values = ((writing.named(parameter, name), text) for name, text in written.items())
    inner = "".join(f"{opener}{frame}{text}{frame}</{parameter}>\n" for opener, text in values)
    block = f"{writing.opener}\n{writing.named(function, call.name)}\n{inner}</{function}>\n{writing.closer}"
    whole = ToolCall("", call.name, written)
    known = [vocabulary((), writing), all_declared(block, (call.name,), writing)]
    if not writing.framed:  # a tag in the last line of a value shares the closer's line: it counts where no others can be given
        known.append(vocabulary((ToolSpec(call.name, "", {"properties": dict(call.arguments)}),), writing))
    if not all(_reads_back(block, each) == whole for each in known):
        raise Unwritable("a name or value that the tags around it would not carry")
    return block


def as_text(value: Json) -> str:
    """Return a value as it stands between tags."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _reads_back(block: str, known: Vocabulary) -> ToolCall | None:
    """Read a block as it would be read in an answer that goes on behind it."""
    whole = reaches_its_end(qwen(known, wrapped=True, strict=False), block)
    calls = read_known(known, block) if whole else None
    return calls[0] if calls and len(calls) == 1 else None


def describe(tools: Tools, writing: Writing = QWEN) -> str:
    """Describe tools and the form of a call."""
    return describe_tools(tools, _HOW, partial(render, writing=writing))


def result(name: str, text: str) -> str:
    """Show a tool's result as Qwen's template does, in a user's message."""
    del name
    return f"{RESPONSE}\n{text}\n</tool_response>"


def dialect(name: str, writing: Writing, thinking: tuple[tuple[str, str], ...]) -> Dialect:
    """Make the dialect of a family that writes this format."""
    return Dialect(
        name=name,
        forms=partial(forms, writing=writing),
        render=partial(render, writing=writing),
        describe=partial(describe, writing=writing),
        result=result,
        thinking=thinking,
        closers=(writing.closer, "</tool_response>", HEADER),
        ends=writing.ends,
        results=(RESPONSE,),
    )


QWEN_XML = dialect("qwen_xml", QWEN, THINKING)
