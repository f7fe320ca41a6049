"""The questions that find out what a server can do, and what their answers tell. No I/O: `probe.py` sends them.

None of them asks the model for its opinion. Each forces something that the model would not say by itself, so that the answer
shows the server's hand: JSON where a greeting was asked for; a text of ours, with a call in each of several formats, of which the
server's tool parser takes those that it reads; a word that the request forbids by its schema and demands by its prompt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import orjson

from adapters.base import Unwritable
from adapters.registry import DIALECTS
from adapters.structured.forms import Form
from adapters.structured.servers import TEMPLATE, Facts, way_of
from proxy.capabilities import NO_PARSER, Capabilities
from proxy.reading import Reader
from rules.conversation import Json, ToolCall, ToolSpec

TOKENS: Final = 64
"""The most that an answer of a few characters may have: a thought that nothing switches off ends here."""

FORCED_TOKENS: Final = 512
"""The most for the text of ours, which has about 100 words: it is written as it stands, whatever the tokenizer makes of it."""

STRICT_TOKENS: Final = 256
"""The most for a call under `strict`, whose grammar admits blanks without end: the penalties of the question wear them out."""

TOOL: Final = "probe"
HARMLESS: Final[dict[str, Json]] = {
    "type": "object",
    "properties": {"ok": {"const": True}},
    "required": ["ok"],
    "additionalProperties": False,
}
"""A schema that every engine bears, xgrammar first: the first structured request decides the backend of a vLLM (vllm#55152)."""

READ: Final = ("hermes_json", "qwen_xml", "gemma4")
"""Formats that the text of ours tries besides the model's own, in an order in which none hides another from its parser."""

LEADING: Final = frozenset({"granite_20b", "hunyuan", "muse_glimmer", "olmo3"})
"""Formats that vLLM 0.32's parsers read only where an answer begins with them, besides those whose forms say so."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer that is an error of the server's."""

    status: int
    words: str


Answer: TypeAlias = Reader | Refused


@dataclass(frozen=True, slots=True)
class Question:
    """One question: its name, the members of its request, and what is known after its answer."""

    name: str
    body: Mapping[str, Any]
    read: Callable[[Capabilities, Answer], Capabilities]


def questions(known: Capabilities, model: str, dialect: str) -> Generator[Question, Capabilities, None]:
    """Yield the questions worth asking, each in the light of what is known after the last one; three at most where all goes well.

    dialect  the one that the model writes, by its profile
    """
    way = way_of(known.seen_as(Facts()))
    for form in way.forms:
        known = yield form_question(model, form, way.quiet)
        if known.forms.get(form.name) is not False:
            break
    if known.structural_tag:
        known = yield parser_question(model, dialect)
    if True in known.forms.values() and known.tool_parser != NO_PARSER:
        yield strict_question(model)


def _body(model: str, prompt: str, tokens: int, **more: Any) -> dict[str, Any]:
    return {
        "model": model,
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": tokens,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
        "logprobs": True,
        **TEMPLATE,
        **more,
    }


def _tool(name: str, kind: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {name: kind}, "required": [name], "additionalProperties": False}
    return {"type": "function", "function": {"name": TOOL, "parameters": parameters, **more}}


# -- is a form enforced, are there log-probabilities, can thinking be switched off


def form_question(model: str, form: Form, quiet: Mapping[str, Any] = TEMPLATE) -> Question:
    """Ask for a greeting, and for JSON by the request. `quiet` switches a thought off."""
    body = _body(model, "Say hello.", TOKENS, **form.members(HARMLESS), **quiet)
    return Question(form.name, body, lambda known, answer: _read_form(known, answer, form.name))


def _read_form(known: Capabilities, answer: Answer, form: str) -> Capabilities:
    if isinstance(answer, Refused):
        return replace(known, forms={**known.forms, form: False})
    alone, shown = _is_harmless(answer.raw), _is_harmless(answer.content)
    thought = answer.split or (shown and not alone)
    enforced = True if alone or shown else None if thought else False
    switch = False if thought else True if enforced else known.thinking_switch
    sent = bool(answer.raw or answer.content)
    return replace(
        _heard(known, answer),
        forms={**known.forms, form: enforced},
        thinking_switch=switch,
        logprobs=answer.source == "logprobs" if sent else known.logprobs,
    )


def _is_harmless(text: str) -> bool:
    try:
        return bool(orjson.loads(text.strip()) == {"ok": True})
    except orjson.JSONDecodeError:
        return False


def _heard(known: Capabilities, answer: Reader) -> Capabilities:
    """Take what every answer tells."""
    return replace(known, fingerprint=answer.fingerprint or known.fingerprint)


# -- which tool parser and which reasoning parser are in effect


def parser_question(model: str, dialect: str) -> Question:
    """Have the model write a text of ours, by vLLM's `structured_outputs`. A vLLM without a tool parser refuses it."""
    text, opener, closer = forced_text(dialect)
    tag = {"type": "structural_tag", "format": {"type": "const_string", "value": text}}
    members = {"tools": [_tool("way", {"type": "string"})], "structured_outputs": {"structural_tag": json.dumps(tag)}}
    body = _body(model, "Say hello.", FORCED_TOKENS, **members)

    def read(known: Capabilities, answer: Answer) -> Capabilities:
        if isinstance(answer, Refused):
            return replace(known, structured_outputs=False)
        ways = [found for event in answer.calls() if (found := _way(event.call)) in DIALECTS]
        written = bool(ways) or answer.raw.strip() == text.strip()
        taken = written and bool(opener) and (answer.split or (bool(answer.content) and closer not in answer.content))
        return replace(
            _heard(known, answer),
            structured_outputs=written or (None if known.logprobs is False else False),  # without them markers are not seen
            tool_parser=ways[0] if ways else known.tool_parser,
            reasoning_parser=opener if taken else known.reasoning_parser,
        )

    return Question("tool_parser", body, read)


def forced_text(dialect: str) -> tuple[str, str, str]:
    """Return the text, and the markers of the thought that it begins with; they are empty where there is none.

    The model's own format comes first: there its special tokens are likely to be written as such, and parsers that read
    nothing behind other text find it. So no thought stands before a format that counts only where an answer begins.
    """
    own = DIALECTS[dialect]
    calls = "\n".join(filter(None, map(_call, dict.fromkeys((dialect, *READ)))))
    if dialect in LEADING or not own.thinking or any(form.first for form in own.forms((ToolSpec(TOOL, "", {}),))):
        return calls, "", ""
    opener, closer = own.thinking[0]
    return f"{opener}{own.label or chr(10)}hm\n{closer}\n{calls}", opener, closer


def _call(dialect: str) -> str:
    try:
        return DIALECTS[dialect].render((ToolCall("", TOOL, {"way": dialect}),))
    except Unwritable:  # a format of one command and nothing else
        return ""


_WAY = re.compile(r'"way": ?"(?:\\n|\s)*(\w+)')


def _way(call: ToolCall) -> str:
    """Return which format a call was read from. Some parsers take what follows the call for a part of it."""
    arguments = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
    found = _WAY.search(arguments)
    return found[1] if found else ""


# -- is `strict` enforced


def strict_question(model: str) -> Question:
    """Demand by the prompt what the schema forbids."""
    tools: Sequence[Mapping[str, Any]] = [_tool("word", {"type": "string", "enum": ["yes"]}, strict=True)]
    members = {"tools": tools, "tool_choice": {"type": "function", "function": {"name": TOOL}}}
    penalties = {"frequency_penalty": 2, "presence_penalty": 2}
    return Question("strict", _body(model, "Call probe with the word no.", STRICT_TOKENS, **members, **penalties), _read_strict)


def _read_strict(known: Capabilities, answer: Answer) -> Capabilities:
    """Compare the arguments, blanks around a value aside: under vLLM's grammars they are admitted, and taken off later."""
    if isinstance(answer, Refused):
        return replace(known, strict=False)
    given = [event.call.arguments for event in answer.calls()]
    words = ["" if isinstance(each, str) else str(each.get("word")).strip() for each in given]
    text = answer.raw or answer.content
    if words != ["yes"] and answer.ending() == "length" and text[-16:].isspace():
        return known  # blanks without end: nothing can be told from them
    return replace(_heard(known, answer), strict=words == ["yes"])
