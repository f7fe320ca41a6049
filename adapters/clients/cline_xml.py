"""Cline and its kin (Roo Code): tools described in the system prompt, and one call a turn in tags of its own names.

    I will look first.

    <read_file>
    <path>src/main.py</path>
    </read_file>

The first call is run and all behind it is dropped. A value ends at its own end tag, nothing is escaped, and blanks and newlines
at both ends are stripped; the `content` of `write_to_file` alone ends at the last such tag. Source: Cline's and Roo Code's
`parseAssistantMessage`.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import takewhile

from adapters.base import Body, Client, Unwritable
from adapters.clients import prompted
from adapters.clients.cline_tools import read_tools, shows_tools
from adapters.clients.shell_text import sayable
from rules.conversation import Arguments, Conversation, Json, ToolCall, Tools, Turn

_BLANKS = " \t\v\f\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_INDENTED = re.compile(rf"[\r\n]*[{_BLANKS}]")
_TAG = re.compile(r"<(?P<name>[A-Za-z_]\w{0,80})>")
_ANY_TAG = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z_]\w{0,80})>")
SHELL = "execute_command"
_CONTENT, _CONTENT_END = "<content>", "</content>"


def recognises(body: Body) -> bool:
    """Tell it by the sections that describe its tools."""
    return not body.get("tools") and shows_tools(_system(body))


def _system(body: Body) -> str:
    first = takewhile(lambda message: message.get("role") == "system", body.get("messages") or ())
    return prompted.head({"messages": list(first)})


def read(body: Body) -> Conversation:
    """Read tools, calls and results."""
    tools = read_tools(_system(body))
    names, parameters = {tool.name for tool in tools}, _parameters(tools)

    def find(text: str) -> tuple[str, str, Arguments] | None:
        opening = next((tag for tag in _TAG.finditer(text) if tag["name"] in names), None)
        values = _values(text, opening, parameters) if opening else None
        return (text[: opening.start()].strip(), opening["name"], values) if opening and values is not None else None

    return prompted.conversation(body, tools, find)


def _parameters(tools: Tools) -> frozenset[str]:
    """Return the names of all tools' parameters: Cline looks for any of them in any call."""
    properties = (tool.parameters.get("properties") for tool in tools)
    return frozenset().union(*(each for each in properties if isinstance(each, dict)))


def _values(text: str, opening: re.Match[str], parameters: frozenset[str]) -> dict[str, Json] | None:
    """Read the values of a call, as Cline does; None where it does not end."""
    values: dict[str, Json] = {}
    at = opening.end()
    while (tag := _ANY_TAG.search(text, at)) and tag[0] != f"</{opening['name']}>":
        at = tag.end()
        if tag["end"] or tag["name"] not in parameters:
            continue
        end = text.find(f"</{tag['name']}>", at)
        if end < 0:
            return None
        values[tag["name"]] = text[at:end].strip()
        at = end + len(tag["name"]) + 3
    if tag is None:
        return None
    inside = text[opening.end() : tag.start()]
    if opening["name"] == "write_to_file" and _CONTENT in inside and _CONTENT_END in inside:
        values["content"] = inside[inside.index(_CONTENT) + len(_CONTENT) : inside.rindex(_CONTENT_END)].strip()
    return values


def express(turn: Turn, within: Conversation) -> Turn:
    """Write the call in its tags, and break up the tags of tools that stand in the prose."""
    names = {tool.name for tool in within.tools}
    prose = _TAG.sub(lambda tag: f"<{tag['name']} >" if tag["name"] in names else tag[0], turn.text)
    if not turn.calls:
        return replace(turn, text=prose)
    return replace(turn, text=prompted.behind(prose, write(turn.calls[0], within.tools)), calls=())


def write(call: ToolCall, tools: Tools) -> str:
    """Write a call. Raises Unwritable where it would be read back as another: nothing in a value can be escaped."""
    if isinstance(call.arguments, str):
        raise Unwritable("Its arguments could not be read.")
    texts = {name: _text(value) for name, value in call.arguments.items()}
    for name, text in texts.items():
        if _INDENTED.match(text) and text.strip() and call.name != SHELL:
            raise Unwritable(f"Its {name} begins with blanks, which are stripped here. Begin it with something else.")
    lines = [f"<{name}>{_framed(text)}</{name}>" for name, text in texts.items()]
    written = "\n".join([f"<{call.name}>", *lines, f"</{call.name}>"])
    opening = _TAG.match(written)
    read_back = _values(written, opening, _parameters(tools)) if opening else None
    if read_back != {name: text.strip() for name, text in texts.items()}:
        raise Unwritable("A value holds a tag that ends it too soon. Write that text in another way.")
    return written


def _text(value: Json) -> str:
    return sayable(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _framed(text: str) -> str:
    return f"\n{text}\n" if "\n" in text else text


CLINE_XML = Client(
    name="cline_xml",
    recognises=recognises,
    read=read,
    express=express,
    reads=("xml_generic",),
    unreadable="unreadable-tools",
)
