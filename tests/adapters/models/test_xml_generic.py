"""The dialect of Cline and Roo: tags named after declared tools and properties, and bodies of other kinds."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.base import Unwritable
from adapters.decoding import Opened
from adapters.grammar import grammar
from adapters.models.xml_generic import XML_GENERIC, render
from adapters.models.yaml_body import read_yaml
from adapters.registry import DIALECTS
from rules.base import repair
from rules.conversation import Conversation, ToolCall, ToolSpec, Turn
from rules.registry import RULES
from tests.adapters.models.corpus_cases import decodes_linearly
from tests.adapters.models.cut_decoding import calls_among, decode_alike, in_even, text_among

WRITE = ToolSpec(
    "write_to_file",
    "",
    {"type": "object", "properties": {"path": {"type": "string"}, "content": {"type": "string"}, "line": {"type": "integer"}}},
)
BASH = ToolSpec("bash", "", {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]})
THINK = ToolSpec("think", "", {"type": "object", "properties": {"thought": {"type": "string"}}})
STOP = ToolSpec("stop", "", {"type": "object", "properties": {}})
TOOLS = (WRITE, BASH, THINK, STOP)
USING = grammar([XML_GENERIC, *(each for each in DIALECTS.values() if each is not XML_GENERIC and not each.asked)], TOOLS)


def read(text: str, opened: Opened = "no") -> tuple[str, list[ToolCall]]:
    """Return the visible text and the calls, having checked that the cuts do not matter."""
    events = decode_alike(text, USING, in_even(text, 1, 2, 3, 7, 31), opened)
    visible = text_among(events)
    return visible.strip(), calls_among(events)


def write(**arguments: Any) -> ToolCall:
    return ToolCall("", "write_to_file", arguments)


SHAPES = {
    "elements": ("<path>a.py</path>\n<content>\nx = 1\n</content>", {"path": "a.py", "content": "x = 1"}),
    "inline": ("<path>a.py</path><content>x = 1</content>", {"path": "a.py", "content": "x = 1"}),
    "unclosed": ("<path>a.py\n<content>\nx = 1\n</content>", {"path": "a.py", "content": "x = 1"}),
    "cdata": ("<path>a.py</path>\n<content><![CDATA[</content>]]></content>", {"path": "a.py", "content": "</content>"}),
    "entities": (
        "<path>a.py</path>\n<content>1 &lt; 2 &amp;&amp; 3 &#62; 2</content>",
        {"path": "a.py", "content": "1 < 2 && 3 > 2"},
    ),
    "entities of a page": ("<path>a.html</path>\n<content>1 &lt; 2</content>", {"path": "a.html", "content": "1 &lt; 2"}),
    "cdata of a page": ("<path>a.html</path>\n<content><![CDATA[<p>&lt;]]></content>", {"path": "a.html", "content": "<p>&lt;"}),
    "undeclared tags": ("<path>a.py</path>\n<content><b>x</b></content>", {"path": "a.py", "content": "<b>x</b>"}),
    "json": ('{"path": "a.py", "content": "x"}', {"path": "a.py", "content": "x"}),
    "yaml": ("path: a.py\ncontent: |\n  x\n\n   y", {"path": "a.py", "content": "x\n\n y\n"}),
    "yaml with quotes": ("path: 'it''s'\ncontent: \"a\\nb\"", {"path": "it's", "content": "a\nb"}),
    "free text": ("path: a.py\ncontent: x = 1\ny: int = 2", {"path": "a.py", "content": "x = 1\ny: int = 2"}),
}


@pytest.mark.parametrize(("body", "arguments"), SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("behind", ["", "\n", "\nDone.", "\n\nMore."])
def test_bodies_are_read(body: str, arguments: dict[str, str], behind: str) -> None:
    visible, calls = read(f"I write.\n<write_to_file>\n{body}\n</write_to_file>{behind}")
    assert calls == [write(**arguments)]
    assert visible.split() == ["I", "write.", *behind.split()]


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("<stop/>", ToolCall("", "stop", {})),
        ("<stop />", ToolCall("", "stop", {})),
        ("<stop></stop>", ToolCall("", "stop", {})),
        ("<stop>\n</stop>", ToolCall("", "stop", {})),
        ("<write_to_file path=\"a &lt; b\"  line='3'/>", write(path="a < b", line="3")),
        ('<write_to_file path="a>b"></write_to_file>', write(path="a>b")),
        ('<write_to_file path="">\n</write_to_file>', write(path="")),
    ],
)
def test_tags_that_close_themselves_are_calls(text: str, call: ToolCall) -> None:
    assert read(f"So:\n{text}\nDone.") == ("So:\n\nDone.", [call])


@pytest.mark.parametrize(
    "text",
    [
        "The <write_to_file> tool needs a path.",
        "<write_to_file> is the tool for it.",
        "<write_to_file>\nis the tool, and it is never closed",
        "Write <stop/> to stop.",
        "<stop /or not",
        '<write_to_file colour="red"/>',
        '<write_to_file path="a"> and so on',
        "<write_to_files>\n<path>a</path>\n</write_to_files>",
        "<read_file>\n<path>a</path>\n</read_file>",
        "`<stop/>` stops.",
        "```\n<write_to_file>\n<path>a</path>\n</write_to_file>\n```\nis how.",
        "> <stop/>\n",
    ],
)
def test_tags_that_are_spoken_of_are_text(text: str) -> None:
    assert read(text) == (text.strip(), [])


def test_a_thought_is_no_call_of_a_tool_of_that_name() -> None:
    assert read("<think>\nLet me see.\n</think>\nDone.") == ("Done.", [])


def test_a_body_of_plain_text_is_asked_about() -> None:
    [call] = read("<bash>\nls -la\n# done\n</bash>\nAnd then?")[1]
    assert call == ToolCall("", "bash", "ls -la\n# done")
    assert repair(Turn("assistant", calls=(call,)), Conversation(TOOLS), RULES, trap=False).problem


def test_a_closer_within_a_line_of_a_body_is_text() -> None:
    [call] = read("<bash>\necho '</bash>' > x\n</bash>")[1]
    assert call.arguments == "echo '</bash>' > x"
    [call] = read("<bash>\ncat <<E\n<bash>\nls\n</bash>\nE\n</bash>")[1]
    assert call.arguments == "cat <<E\n<bash>\nls\n</bash>\nE"


@pytest.mark.parametrize(
    "text", ["<write_to_file>\n<path>a</path>\n<content>rm -rf /tm", "<write_to_file>\npath: a\ncontent: |\n  rm -rf /tm"]
)
def test_a_call_that_the_text_cuts_is_not_whole(text: str) -> None:
    [call] = read(text)[1]
    assert not call.whole


VALUES = [
    "x\n",
    "\nx",
    " x ",
    "",
    "a < b && c",
    "&lt;",
    "&amp;lt;",
    "</content>",
    "x</content>\n</write_to_file>\n<stop/>",
    "<![CDATA[x]]>",
    "]]>",
]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("behind", ["", "\nDone."])
def test_values_are_text_to_the_character(value: str, behind: str) -> None:
    for call in (write(path="a.py", content=value), write(content=value, path="a.py")):
        assert read(f"{render([call])}{behind}")[1] == [call]


def test_what_a_page_cannot_carry_cannot_be_written() -> None:
    assert read(render([write(path="a.html", content="&lt;b&gt;")]))[1] == [write(path="a.html", content="&lt;b&gt;")]
    with pytest.raises(Unwritable):
        render([write(path="a.html", content="x</content>\n</write_to_file>\n<stop/>")])


@pytest.mark.parametrize(
    "call",
    [
        ToolCall("", "a b", {}),
        ToolCall("", "think", {"thought": "x"}),
        ToolCall("", "f", {"a b": "x"}),
        ToolCall("", "f", "text"),
    ],
    ids=str,
)
def test_names_that_no_tag_carries_cannot_be_written(call: ToolCall) -> None:
    with pytest.raises(Unwritable):
        render([call])


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no key",
        "unknown: 1",
        "path:\n  - a\n  - b",
        "path: >\n  folded",
        "path: |\nnot indented",
        "path: |\n    deep\n  less",
        "path: a\n  more\ncontent: b",
    ],
)
def test_other_yaml_is_left_to_be_asked_about(body: str) -> None:
    assert read_yaml(body, {"path", "content"}) is None


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("content: |-\n  x\n", {"content": "x"}),
        ("content: |+\n  x\n", {"content": "x\n"}),
        ("content:", {"content": ""}),
        ('content: "open', {"content": '"open'}),
        ("content: [1, 2]", {"content": "[1, 2]"}),
        ("\npath: a: b\n", {"path": "a: b"}),
    ],
)
def test_simple_yaml_is_read(body: str, value: dict[str, str]) -> None:
    assert read_yaml(body, {"path", "content"}) == value


def test_time_is_linear_in_hostile_texts() -> None:
    for head, unit in (
        ("<f>\n<a>", "</a>"),
        ("<f>\n<a>", "<a>"),
        ("<f>\n", "a: b\n"),
        ("<f>\nx", "\n<f>\n</f> "),
        ("", "<f "),
        ("<f ", 'a="b" '),
        ("<f a='", "x"),
    ):
        assert decodes_linearly([XML_GENERIC], unit, head, size=10_000), (head, unit)
