"""The dialects of GLM and its relatives: a tool's name, then pairs of keys and values between tags.

    <tool_call>get_weather<arg_key>city</arg_key><arg_value>Paris</arg_value></tool_call>

GLM 4.5 puts each tag on a line of its own, GLM 4.7 and 5 put none. Ling 3 and Poolside's Laguna write like GLM. Hunyuan 3 has
`<tool_sep>` behind the name and `<tool_calls>` around all calls; Hunyuan 4 has only the latter:

    <tool_calls><tool_call>get_weather<tool_sep><arg_key>city</arg_key><arg_value>Paris</arg_value></tool_call></tool_calls>

Released Hunyuan checkpoints have `:opensource` in every tag, such as `<tool_call:opensource>`; both ways are read. K2 Horizon has
tags of its own, and may say of what type a value is:

    <ifm|tool_calls><ifm|tool_call>get_weather<ifm|arg_key>city</ifm|arg_key><ifm|arg_type>string</ifm|arg_type>
    <ifm|arg_value>Paris</ifm|arg_value></ifm|tool_call></ifm|tool_calls>

A value stands between its tags as it is; there are no escapes. Source: the chat templates of GLM 4.5 and 4.7; vLLM's parsers
glm45, glm47, ling3, poolside_v1, hy_v3 and hy_v4 (0.32), and the tests of the last two; the malformed shapes are those of
ollama#14656 and vllm#47190, #54971. K2 Horizon was not checked against vLLM's k2_horizon parser: the tags are those of public
tests of it, and its JSON variant is not read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from adapters.base import Dialect, Form, Unwritable
from adapters.models.pairs.arg_pairs_head import LONGEST
from adapters.models.pairs.arg_pairs_read import read
from adapters.models.pairs.arg_pairs_section import SectionScan
from adapters.models.pairs.arg_pairs_tags import Pieces, Tags
from adapters.models.pairs.arg_pairs_walk import Walk
from adapters.models.tool_prompt import describe_tools
from rules.conversation import Json, ToolCall, Tools, ToolSpec

_GLM_ENDS = ("<|user|>", "<|observation|>", "<|endoftext|>", "<|role_end|>")
_HUNYUAN_ENDS = ("<｜hy_eos｜>", "<｜hy_eos:opensource｜>")
_TYPES: Mapping[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}

_GLM = Tags(*_GLM_ENDS)
_HUNYUAN = Tags(*_HUNYUAN_ENDS)
_OPENSOURCE = Tags(*_HUNYUAN_ENDS, behind=":opensource")
_IFM = Tags(before="ifm|")

_HOW = """\
To call a function, answer with its name and one pair of tags for each key and each value, and nothing behind it:

{example}

Every value stands between its tags as it is, without quotes or escapes; objects and lists are written as JSON. Give every \
required parameter. Write nothing after the last call.
"""


@dataclass(frozen=True, slots=True)
class Style:
    """How a family writes its calls.

    tags       its tags;  also: other tags that its models write
    section    `<tool_calls>` stands around all calls of a turn
    separated  `<tool_sep>` stands behind the name
    typed      every value has its type in front
    between    what parts two tags
    """

    tags: Tags
    also: tuple[Tags, ...] = ()
    section: bool = False
    separated: bool = False
    typed: bool = False
    between: str = ""


def forms(style: Style, tools: Tools) -> Sequence[Form]:
    """List the ways to write a call, and the opener of a section, which is nobody's to read."""
    del tools
    every = (style.tags, *style.also)
    calls = [Form(tags.opener("tool_call"), partial(Walk, tags), partial(read, tags)) for tags in every]
    sections = [Form(tags.opener("tool_calls"), partial(SectionScan, tags), _nobodys) for tags in every if style.section]
    return (*calls, *sections)


def _nobodys(block: str, tools: Tools) -> tuple[ToolCall, ...]:  # noqa: ARG001 - the signature of Read
    return ()


def render(style: Style, calls: Sequence[ToolCall]) -> str:
    """Write the calls of a turn. What our own reader would not give back cannot be written."""
    body = style.between.join(_write(style, call) for call in calls)
    framed = f"{style.between}{body}{style.between}"
    return style.tags.element("tool_calls", framed) if style.section else body


def _write(style: Style, call: ToolCall) -> str:
    if isinstance(call.arguments, str):
        raise Unwritable("arguments that could not be read as an object")
    tags = style.tags
    parts = [f"{call.name}{tags.opener('tool_sep') if style.separated else ''}"]
    for key, value in call.arguments.items():
        parts.append(tags.element("arg_key", key))
        parts += [tags.element("arg_type", _TYPES.get(type(value), "string"))] if style.typed else []
        parts.append(tags.element("arg_value", as_text(value)))
    block = tags.element("tool_call", style.between.join((*parts, "")))
    written = call.arguments if style.typed else {key: as_text(value) for key, value in call.arguments.items()}
    known: Tools = (ToolSpec(call.name, "", {"properties": {key: {} for key in _keys(tags, block)}}),)
    if any(_reads_back(tags, block, tools) != ToolCall("", call.name, written) for tools in ((), known)):
        raise Unwritable("a name, key or value that the tags around it would not carry")
    return block


def as_text(value: Json) -> str:
    """Return a value as it stands between tags."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _keys(tags: Tags, block: str) -> list[str]:
    """List all that could be a declared key: which ones are is not known where a call is written."""
    pieces = pairwise(Pieces(tags).feed(block, final=True))
    words = (each.text.strip() for each, behind in pieces if each.kind == "text" and behind.kind in ("/key", "value", "type"))
    return [word for word in words if len(word) <= LONGEST]


def _reads_back(tags: Tags, block: str, tools: Tools) -> ToolCall | None:
    """Read a block as it would be read in an answer that goes on behind it."""
    scan = Walk(tags, tools)
    end = next((end for piece in (block, "\n.") if (end := scan.feed(piece)) is not None), None) or scan.finish()
    calls = read(tags, block, tools) if end == len(block) else None
    return calls[0] if calls else None


def result(name: str, text: str) -> str:
    """Show a tool's result as the templates do, in a user's message."""
    del name
    return f"<tool_response>\n{text}\n</tool_response>"


def _dialect(name: str, style: Style, ends: Sequence[str], thinking: Sequence[tuple[str, str]]) -> Dialect:
    every = (style.tags, *style.also)
    write = partial(render, style)
    return Dialect(
        name=name,
        forms=partial(forms, style),
        render=write,
        describe=lambda tools: describe_tools(tools, _HOW, write),
        result=result,
        thinking=tuple(thinking),
        closers=(*(tags.closer(each) for tags in every for each in ("tool_call", "tool_calls", "arg_value")), "</tool_response>"),
        ends=tuple(ends),
        results=("<tool_response>", *({"<|observation|>"} & {*ends})),
    )


_THINK = ("<think>", "</think>")
_OPENSOURCE_THINK = ("<think:opensource>", "</think:opensource>")

GLM = _dialect("glm", Style(_GLM), _GLM_ENDS, [_THINK])
HY_V3 = _dialect(
    "hy_v3",
    Style(_HUNYUAN, (_OPENSOURCE,), section=True, separated=True, between="\n"),
    _HUNYUAN_ENDS,
    [_THINK, _OPENSOURCE_THINK],
)
HY_V4 = _dialect("hy_v4", Style(_OPENSOURCE, (_HUNYUAN,), section=True), _HUNYUAN_ENDS, [_OPENSOURCE_THINK, _THINK])
K2_HORIZON = _dialect("k2_horizon", Style(_IFM, section=True, typed=True), (), [("<ifm|think>", "</ifm|think>")])
