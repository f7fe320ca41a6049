"""The Qwen XML dialect: the corpus in every cut, OpenHands' malformed shapes, and what it writes."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Call, Event, Text, Unwritable
from adapters.blocks import BlockDecoder, Opened, merge
from adapters.grammar import grammar
from adapters.models.hermes_json import HERMES_JSON
from adapters.models.qwen_xml import QWEN_XML, as_text, describe, render
from rules.conversation import ToolCall, ToolSpec
from tests.adapters.models.corpus_cases import decodes_linearly

READS = (QWEN_XML, HERMES_JSON)
BASH = ToolSpec(
    "execute_bash",
    "Runs a command.",
    {
        "type": "object",
        "properties": {"command": {"type": "string"}, "security_risk": {"type": "string", "enum": ["LOW", "HIGH"]}},
        "required": ["command", "security_risk"],
    },
)
RISKY = {"command": "ls -la", "security_risk": "LOW"}


def calls_in(text: str, *tools: ToolSpec) -> list[ToolCall]:
    decoder = BlockDecoder(grammar(READS, tools or (BASH,)))
    return [event.call for event in (*decoder.feed(text), *decoder.finish()) if isinstance(event, Call)]


SHAPES = {
    "t01 empty": ("", {}),
    "t03 JSON": ('\n{"command": "ls -la", "security_risk": "LOW"}', RISKY),
    "t04 one line": ("<parameter=command>ls -la</parameter>", {"command": "ls -la"}),
    "t43 blank": (" <parameter=command>ls -la</parameter>", {"command": "ls -la"}),
    "t05 unclosed": ("\n<parameter=command>ls -la\n<parameter=security_risk>LOW", RISKY),
    "t06 attribute": ('\n<parameter name="command">ls -la</parameter>', {"command": "ls -la"}),
    "t07 tags": ("\n<command>ls -la</command>\n<security_risk>LOW</security_risk>", RISKY),
    "t19 extra": ("\n<parameter=command>ls</parameter>\n<parameter=why>so</parameter>", {"command": "ls", "why": "so"}),
    "t28 equals": ("\n<parameter=command=ls</parameter>", {"command": "ls"}),
    "t32 all in one": ('\n<parameter=arguments>{"command": "ls"}</parameter>', {"command": "ls"}),
    "t47 padded": ("\n<parameter=security_risk>\nLOW\n</parameter>", {"security_risk": "LOW"}),
    "digit in the closer": ("\n<parameter=command>ls</parameter1>", {"command": "ls"}),
    "slash in the closer": ("\n<parameter=command>ls</parameter/>", {"command": "ls"}),
    "trailing blanks": ("  \n<parameter=command>ls</parameter>  ", {"command": "ls"}),
    "several lines": ("\n<parameter=command>a\nb\n</parameter>", {"command": "a\nb\n"}),
    "closer behind a padded value": ("\n<parameter=command>\na\nb</parameter>", {"command": "a\nb"}),
}


@pytest.mark.parametrize("opener", ["<function=execute_bash>", '<function="execute_bash">', "<function=execute_bash >"])
@pytest.mark.parametrize("tail", ["", "\n", "\nDone.", "\n</tool_call>"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_openhands_shapes_are_read(shape: tuple[str, dict[str, str]], opener: str, tail: str) -> None:
    body, arguments = shape
    [call] = calls_in(f"{opener}{body}\n</function>{tail}")
    assert call == ToolCall("", "execute_bash", arguments)


def test_a_call_cut_in_a_value_is_not_whole() -> None:
    [call] = calls_in("<function=execute_bash>\n<parameter=command>rm -rf /tm")
    assert not call.whole


def test_an_example_inside_a_value_is_data() -> None:
    inner = f"Write:\n{render(ToolCall('', 'demo', {'city': 'Paris'}))}\nand so on"
    call = ToolCall("", "execute_bash", {"command": inner})
    assert calls_in(render(call) + "\nDone.") == [call]


@pytest.mark.parametrize(
    "text",
    [
        "Our <tool_call> envelope does not exist",
        "Is <tool_call right?",
        "Then <function=execute_bash> opens a call",
        "<function=execute_bash> opens a call",
        "Try <function=other><parameter=a>1</parameter></function>",
    ],
)
def test_prose_is_released_at_once(text: str) -> None:
    decoder = BlockDecoder(grammar(READS, (BASH,)))
    released = "".join(event.raw for event in decoder.feed(text) if isinstance(event, Text))
    assert text.startswith(released)
    assert len(text) - len(released) < 2


def test_a_parameter_twice_or_without_a_name_stays_text() -> None:
    twice = "<function=execute_bash>\n<parameter=command>a</parameter>\n<parameter=command>b</parameter>\n</function>"
    nameless = "<function=execute_bash>\n<parameter=>a</parameter>\n</function>"
    assert [type(call.arguments) for text in (twice, nameless) for call in calls_in(text)] == [str, str]


PIECES = ("</parameter>", "</function>", "</tool_call>", "<tool_call>", "<function=f>", "<parameter=a>", "<a>", "</a>")
TEXTS = st.lists(st.sampled_from((*PIECES, "\n", " ", "x", "]]>", "<![CDATA[", "é", '"', "<")), max_size=8).map("".join)


@given(st.dictionaries(st.sampled_from(["a", "b", "long_name"]), TEXTS | st.integers() | st.lists(st.booleans())))
def test_it_reads_what_it_writes(arguments: dict[str, Any]) -> None:
    tool = ToolSpec("f", "", {"properties": {"a": {}, "b": {}}})
    try:
        block = render(ToolCall("", "f", arguments))
    except Unwritable:
        return
    expected = ToolCall("", "f", {name: as_text(value) for name, value in arguments.items()})
    assert calls_in(block + "\nmore", tool) == [expected]
    assert calls_in(f"{block}\n{block}", tool) == [expected, expected]


def test_what_would_be_misread_is_not_written() -> None:
    for value in ("</parameter>\n</function>", "\n</parameter>\n<parameter=b>\n"):
        with pytest.raises(Unwritable):
            render(ToolCall("", "f", {"a": f"x{value}"}))


def test_the_prompt_shows_all_constraints_and_a_right_example() -> None:
    prompt = describe((BASH,))
    assert '"enum": ["LOW", "HIGH"]' in prompt
    [call] = calls_in(prompt[prompt.index("<tool_call>") :])
    assert call.arguments == {"command": "the command", "security_risk": "LOW"}
    assert describe((BASH,)) == prompt


@pytest.mark.parametrize("head", ["", "<tool_call>\n<function=f>\n<parameter=a>\n", "<function=f>\n"])
@pytest.mark.parametrize(
    "unit",
    [
        "<tool_call>",
        "<function=f>",
        "<parameter=a>",
        "</parameter>",
        "</function>",
        "</tool_call>",
        "\n<function=f>\n",
        "</parameter>\n",
        "<",
        "</",
        "\n",
        " ",
        "{[",
        '"',
        "]",
        "<![CDATA[",
        "<parameter=a>x</parameter>",
    ],
)
def test_time_is_linear(head: str, unit: str) -> None:
    assert decodes_linearly(READS, unit, head)


SOUP = (
    "<tool_call>", "</tool_call>", "<function=f>", "<function=", "</function>", "<parameter=a>", "</parameter>", "<parameter>",
    "\n", "  ", "x", "<think>", "</think>", "<|im_end|>", "<tool_response>", "{", '"', "\\", "]]>", "<![CDATA[", "<a>", "`", "<",
)  # fmt: skip
FOUND = (
    '<function=f></tool_call>}<tool_call><parameter name="a">x<function=f <parameter>',  # lost what was held back
    "]]>`</think><parameter=a><tool_response>",  # a backtick in the piece before
    "<tool_call>\n<function=f></function>  </think><parameter>",  # blanks before the thought's end
    "<tool_call>\n<function=f></tool_call>  <tool_response><function=f>",  # blanks before the answer's end
    "<function=f></function</think>\n<parameter></think>x<function=f ",  # blanks after the thought's end
    "{`<tool_response>\n\n<function=f  ",  # an empty line after a quoted marker
)


def events_in(pieces: Sequence[str], opened: Opened) -> list[Event]:
    tool = ToolSpec("f", "", {"properties": {"a": {}}})
    decoder = BlockDecoder(grammar(READS, (tool,)), opened)
    return merge([*(event for piece in pieces for event in decoder.feed(piece)), *decoder.finish()])


@given(
    text=st.lists(st.sampled_from(SOUP), max_size=14).map("".join),
    at=st.integers(0, 100),
    opened=st.sampled_from(["no", "yes", "maybe"]),
)
def test_cuts_do_not_matter_in_tag_soup(text: str, at: int, opened: Opened) -> None:
    whole = events_in([text], opened)
    assert whole == events_in(list(text), opened) == events_in([text[:at], text[at:]], opened)
    assert "".join(event.raw for event in whole) == text


@pytest.mark.parametrize("text", FOUND)
@pytest.mark.parametrize("opened", ["no", "yes", "maybe"])
def test_cuts_that_once_mattered_do_not(text: str, opened: Opened) -> None:
    whole = events_in([text], opened)
    assert events_in(list(text), opened) == whole
    for at in range(len(text)):
        assert events_in([text[:at], text[at:]], opened) == whole


def test_what_follows_a_closed_thought_is_text() -> None:
    events = events_in(["<function=f></function></think>\nDone."], "yes")
    assert [event.raw for event in events if isinstance(event, Text)] == ["\nDone."]
