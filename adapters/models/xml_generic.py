"""The dialect of Cline, Roo and many prompts: a tag named after the tool, in it one named after each parameter.

    <write_to_file>
    <path>src/main.py</path>
    <content>
    print("hello")
    </content>
    </write_to_file>

Also read: `<tool/>`, `<tool path="..."/>`, and a body of JSON or of simple YAML. Such tags are ordinary words, so a call stands
at the start of a line and all its tags are declared names. Entities are decoded, unless the call writes an HTML or XML file,
where they are what the file holds. Source: the system prompts of Cline and Roo Code; the malformed shapes are the corpus'.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial

from adapters.base import Dialect, Form, Scan, Unwritable
from adapters.models.tags.element_tags import Head
from adapters.models.tags.element_values import in_section, take_framed, take_section, write_verbatim
from adapters.models.tags.qwen_xml_read import calls_of
from adapters.models.tags.qwen_xml_tags import Kind, Lexicon, Names, Tags, Vocabulary, lexicon, vocabulary
from adapters.models.tags.qwen_xml_value import Closed
from adapters.models.tags.qwen_xml_walk import Walk, Way
from adapters.models.tags.read_back import all_declared, reaches_its_end
from adapters.models.tags.xml_entities import escape_entities, unescape
from adapters.models.tool_prompt import describe_tools
from adapters.models.xml_generic_scans import ATTRIBUTE, AttributesScan, BodyScan
from adapters.models.yaml_body import begins_with_key, read_yaml
from rules.conversation import Json, ToolCall, Tools

THINKING = (("<think>", "</think>"), ("<thinking>", "</thinking>"))
TAKEN = frozenset({"function", "invoke", "parameter", "reasoning", "think", "thinking", "thought", "tool_call", "tool_response"})
"""Tags of other languages. A tool may well be called `think`; a thought is far more likely."""

_NAME = re.compile(r"[A-Za-z_][\w.-]*\Z")
_MARKUP = re.compile(r"[^\s<>]+\.(?:x?html?|xml|svg|xsl|xslt|xsd|rss|vue)\Z", re.IGNORECASE)
_CDATA: dict[str, Kind] = {"<![CDATA[": "cdata", "]]>": "/cdata"}

_HOW = """\
To call a function, answer with this form and nothing behind it:

{example}

Its tags are named after the function and its parameters. Every value stands between its tags as it is; objects and lists are \
written as JSON. Give every required parameter. You may think before the call. Several calls stand one after the other.
"""


def forms(tools: Tools) -> Sequence[Form]:
    """List the ways to write a call of each tool: with elements, with a body of text, and with attributes."""
    known = vocabulary(tools)
    names = [name for name in known.tools if _NAME.match(name) and name not in TAKEN]
    return tuple(
        form for name in sorted(names) for form in _forms_of(name, frozenset(filter(_NAME.match, known.properties[name])))
    )


def _forms_of(name: str, properties: Names) -> Iterator[Form]:
    yield Form(f"<{name}>", _made(partial(_walk, name, properties)), partial(_read_elements, name, properties), line_start=True)
    yield Form(f"<{name}>", _made(partial(BodyScan, name)), partial(_read_body, name, properties), line_start=True)
    for behind in ("/", " "):
        scan = partial(AttributesScan, name, properties)
        yield Form(f"<{name}{behind}", _made(scan), partial(_read_attributes, name), line_start=True)


def _made(scan: Callable[[], Scan]) -> Callable[[Tools], Scan]:
    return lambda tools: scan()  # noqa: ARG005 - they are known


@lru_cache(maxsize=256)
def _words(name: str, properties: Names) -> Lexicon:
    """Return the tags of a call. No other tool's are tags: they are far more likely in a file."""
    named: dict[str, tuple[Kind, str]] = {}
    for each in properties:
        named |= {f"<{each}>": ("parameter", each), f"</{each}>": ("/parameter", each)}
    named |= {f"<{name}>": ("function", name), f"</{name}>": ("/function", name)}
    return lexicon(_CDATA, named, {})


def _walk(name: str, properties: Names) -> Walk:
    way = Way(Tags(_words(name, properties)), Head(None, wrapped=False), wrapped=False, strict=True)
    return Walk(_known(name, properties), way)


def _known(name: str, properties: Names) -> Vocabulary:
    """Return what is known of a tool. It counts as undeclared, so that a body of plain text is none of the machine's."""
    return Vocabulary({name: properties}, frozenset(), frozenset())


def _read_elements(name: str, properties: Names, block: str, tools: Tools = ()) -> tuple[ToolCall, ...] | None:
    del tools
    known = _known(name, properties)
    as_written = calls_of(_walk(name, properties), block, known, _take_as_written)
    if as_written is None or _writes_markup(as_written[0]):
        return as_written
    return calls_of(_walk(name, properties), block, known, take_section)


def _take_as_written(closed: Closed, block: str) -> Json:
    inner = in_section(block[closed.start : closed.end])
    return take_framed(closed, block) if inner is None else inner


def _writes_markup(call: ToolCall) -> bool:
    """Whether an argument names a file whose own language has entities."""
    values = () if isinstance(call.arguments, str) else call.arguments.values()
    return any(isinstance(value, str) and _MARKUP.match(value.strip()) for value in values)


def _read_body(name: str, properties: Names, block: str, tools: Tools = ()) -> tuple[ToolCall, ...] | None:
    """Read a body of YAML; any other is unreadable text, and only where it was closed."""
    del tools
    body = block.removeprefix(f"<{name}>").rstrip()
    closed = body.endswith(f"</{name}>")
    body = body.removesuffix(f"</{name}>")
    if not closed and not begins_with_key(body, properties):
        return None
    arguments = read_yaml(body, properties)
    return (ToolCall("", name, body.strip() if arguments is None else arguments, whole=closed),)


def _read_attributes(name: str, block: str, tools: Tools = ()) -> tuple[ToolCall, ...] | None:
    del tools
    found = ATTRIBUTE.findall(block)
    return (ToolCall("", name, {key: unescape(double or single) for key, double, single in found}),)


def render(calls: Sequence[ToolCall]) -> str:
    """Write calls. What our own reader would not give back is written with entities, or cannot be written."""
    return "\n".join(map(_write, calls))


def _write(call: ToolCall) -> str:
    if isinstance(call.arguments, str):
        raise Unwritable("arguments that could not be read as an object")
    if call.name in TAKEN or not all(map(_NAME.match, (call.name, *call.arguments))):
        raise Unwritable("a name that is no tag's")
    written = {name: write_verbatim(value).text for name, value in call.arguments.items()}
    meant = call.having(written)
    escapes: Sequence[Callable[[str], str]] = (str,) if _writes_markup(meant) else (escape_entities, _escape_tags)
    for escape in escapes:
        inner = "".join(f"<{name}>{_framed(escape(text))}</{name}>\n" for name, text in written.items())
        block = f"<{call.name}>\n{inner}</{call.name}>"
        if _reads_back(block, meant):
            return block
    raise Unwritable("a name or value that the tags around it would not carry")


def _framed(text: str) -> str:
    return f"\n{text}\n" if "\n" in text else text


def _escape_tags(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _reads_back(block: str, meant: ToolCall) -> bool:
    """Whether a block would be read as it was meant, whichever of the words in it are declared."""
    given = frozenset(meant.arguments)
    return all(
        reaches_its_end(_walk(meant.name, properties), block)
        and _read_elements(meant.name, properties, block) == (ToolCall("", meant.name, meant.arguments),)
        for properties in (given, given | all_declared(block, ()).names)
    )


def describe(tools: Tools) -> str:
    """Describe tools and the form of a call."""
    return describe_tools(tools, _HOW, render)


def result(name: str, text: str) -> str:
    """Show a tool's result as Cline and Roo do, in a user's message."""
    return f"[{name}] Result:\n{text}"


XML_GENERIC = Dialect(name="xml_generic", forms=forms, render=render, describe=describe, result=result, thinking=THINKING)
