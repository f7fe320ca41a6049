"""The Qwen XML dialect: the corpus in every cut, OpenHands' malformed shapes, and what it writes."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Call, Event, Text, Unwritable
from adapters.decoding import Opened, decoder_for
from adapters.events import merge
from adapters.grammar import grammar
from adapters.models.hermes_json import HERMES_JSON
from adapters.models.qwen_xml import QWEN_XML, as_text, describe, render
from rules.conversation import ToolCall, ToolSpec
from tests.adapters.models.corpus_cases import decodes_linearly
from tests.adapters.models.cut_decoding import calls_among, text_among

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
    decoder = decoder_for(grammar(READS, tools or (BASH,)))
    return calls_among((*decoder.feed(text), *decoder.finish()))


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
    inner = f"Write:\n{render((ToolCall('', 'demo', {'city': 'Paris'}),))}\nand so on"
    call = ToolCall("", "execute_bash", {"command": inner})
    assert calls_in(render((call,)) + "\nDone.") == [call]


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
    decoder = decoder_for(grammar(READS, (BASH,)))
    released = text_among(decoder.feed(text))
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
    tool = ToolSpec("f", "", {"properties": {"a": {}, "b": {}, "long_name": {}}})
    try:
        block = render((ToolCall("", "f", arguments),))
    except Unwritable:
        return
    expected = ToolCall("", "f", {name: as_text(value) for name, value in arguments.items()})
    assert calls_in(block + "\nmore", tool) == [expected]
    assert calls_in(f"{block}\n{block}", tool) == [expected, expected]


def test_what_would_be_misread_is_not_written() -> None:
    for value in ("</parameter>\n</function>", "\n</parameter>\n<parameter=b>\n"):
        with pytest.raises(Unwritable):
            render((ToolCall("", "f", {"a": f"x{value}"}),))


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
        "\n<parameter=z>\n</parameter>",
        "<tool_call>\n<function=f>\n<parameter=a>\nx\n</parameter>\n</function>\nfoo ",
        "<function=f>\n<parameter=a>\nx\n</parameter>\n</function>\nfoo\n</function> ",
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
    decoder = decoder_for(grammar(READS, (tool,)), opened)
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


LOG4J = """cat > log4j.xml <<'EOF'
<config>
<parameter name="a">1</parameter>
<parameter name="path">/x</parameter>
</config>
EOF"""


def call_of(value: str, behind: str = "") -> str:
    return f"<tool_call>\n<function=execute_bash>\n<parameter=command>\n{value}\n</parameter>\n{behind}</function>\n</tool_call>"


def arguments_in(text: str, *tools: ToolSpec) -> list[Any]:
    """Return the arguments of the calls in a text, the same in every cut; None for those that could not be read."""
    using = grammar(READS, tools or (BASH,))
    found: list[list[Event]] = []
    for pieces in ([text], list(text), *([text[:at], text[at:]] for at in range(1, len(text)))):
        decoder = decoder_for(using)
        found.append(merge([*(event for piece in pieces for event in decoder.feed(piece)), *decoder.finish()]))
        assert found[-1] == found[0]
    calls = calls_among(found[0])
    return [None if isinstance(call.arguments, str) else call.arguments for call in calls]


def test_an_undeclared_parameter_does_not_end_a_file() -> None:
    assert arguments_in(call_of(LOG4J)) == [{"command": LOG4J}]
    risk = "<parameter=security_risk>\nLOW\n</parameter>\n"
    assert arguments_in(call_of(LOG4J, risk)) == [{"command": LOG4J, "security_risk": "LOW"}]


def test_a_parameter_that_may_be_a_files_or_made_up_is_asked_again() -> None:
    made_up = "<parameter=safety>\nLOW\n</parameter>\n"
    assert arguments_in(call_of("ls\npwd", made_up)) == [None]
    assert arguments_in(call_of("ls", made_up)) == [{"command": "ls", "safety": "LOW"}]  # one line is no file; the rules decide
    assert arguments_in(call_of(LOG4J.replace('"path"', '"security_risk"'))) == [None]
    assert arguments_in(call_of("w\nx\n</parameter>\n<parameter name='y'>\n1")) == [None]


def test_tools_that_take_any_parameter_are_given_it() -> None:
    made_up = "<parameter=safety>\nLOW\n</parameter>\n"
    takes_more = ToolSpec("execute_bash", "", {**BASH.parameters, "additionalProperties": True})
    for tool in (ToolSpec("execute_bash"), takes_more):
        assert arguments_in(call_of("ls", made_up), tool) == [{"command": "ls", "safety": "LOW"}]


@pytest.mark.parametrize(
    "value",
    [
        "The model wrote\n</parameter>\n</function>\nand stopped.",
        "The model wrote\n</parameter>\n</function>\n</tool_call>\nand stopped.",
        "It ended so:\n</parameter>\n</function>",
        'echo "a</parameter></function></tool_call>" > f',
        'echo "a</parameter></function></tool_call>" > f; echo "</parameter></function>"',
    ],
)
def test_closers_behind_a_call_show_that_it_had_not_ended(value: str) -> None:
    wrapped = call_of(value)
    bare = wrapped.removeprefix("<tool_call>\n").removesuffix("\n</tool_call>")
    tight = f"<tool_call><function=execute_bash><parameter=command>{value}</parameter></function></tool_call>"
    good = call_of("ls")
    for text in (wrapped, bare, tight):
        first, *others = arguments_in(text)
        assert first in (None, {"command": value})
        assert others == []
    assert arguments_in(f"{wrapped}\n{good}")[1:] == [{"command": "ls"}]


def test_text_behind_a_call_stays_text() -> None:
    for behind in ("\nDone.", " Done.", "\nIt ends with `</parameter>`.", "\n</function>", "\n</tool_call>\nDone."):
        assert arguments_in(call_of("ls") + behind) == [{"command": "ls"}]
        assert arguments_in(call_of("ls") + behind + "\n" + call_of("ls")) == [{"command": "ls"}] * 2


def test_text_behind_a_narrow_call_is_released_at_once() -> None:
    decoder = decoder_for(grammar(READS, (BASH,)))
    events = decoder.feed("<function=execute_bash><parameter=command>ls</parameter></function>\nDone.")
    assert [type(event) for event in events] == [Call, Text]


def test_a_cdata_section_is_taken_off_only_around_tags_of_the_format() -> None:
    for value in ("<![CDATA[ x ]]>", "<![CDATA[<b>x</b>]]>"):
        assert arguments_in(call_of(value)) == [{"command": value}]
    assert arguments_in(call_of("<![CDATA[is </parameter> legal]]>")) == [{"command": "is </parameter> legal"}]


@pytest.mark.parametrize("body", ["a b<parameter=c>1</parameter>", "a <parameter=c>1</parameter>", "a b c", "a", "a  b"])
def test_cuts_do_not_matter_where_a_name_holds_a_blank(body: str) -> None:
    for text in (f"<tool_call>{body}</function></tool_call>", f"<tool_call>\n<function={body}></function></tool_call>"):
        arguments_in(text, ToolSpec("a b"))


def test_the_prompt_is_written_for_any_schema() -> None:
    odd = {"a b": {"type": "string"}, "c": {"default": "x</parameter>\n</function>\n</tool_call>"}, "d": {"type": "integer"}}
    tool = ToolSpec("f", "", {"type": "object", "properties": odd, "required": list(odd)})
    assert "<function=function_name>\n<parameter=parameter_name>\nvalue\n</parameter>" in describe((tool,))
    assert "<parameter=a b>" not in describe((tool,))
    assert "<function=" in describe((ToolSpec("no name\n"),))
