"""GLM and its relatives: malformed pairs, values that hold the format's own tags, prose about it, and what it writes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Call, Dialect, Event, Markup, Text, Unwritable
from adapters.decoding import decode, decoder_for
from adapters.grammar import grammar
from adapters.models.arg_pairs import GLM, HY_V3, HY_V4, K2_HORIZON, as_text
from rules.conversation import ToolCall, ToolSpec
from tests.adapters.models.corpus_cases import decodes_linearly
from tests.adapters.models.cut_decoding import calls_among, decode_alike, in_even, in_two, text_among

FAMILY = pytest.mark.parametrize("dialect", [GLM, HY_V3, HY_V4, K2_HORIZON], ids=lambda each: each.name)
WRITE = ToolSpec("write", "", {"type": "object", "properties": {"path": {"type": "string"}, "text": {"type": "string"}}})
STOP = ToolSpec("stop")
TOOLS = (WRITE, STOP)


def pair(key: str, value: str, between: str = "") -> str:
    return f"<arg_key>{key}</arg_key>{between}<arg_value>{value}</arg_value>"


def events_of(text: str, dialect: Dialect = GLM, *tools: ToolSpec) -> list[Event]:
    """Decode a text, and see that no cut changes what it says."""
    ways = (*in_even(text, 1), *in_two(text, 1 + len(text) // 60))
    return decode_alike(text, grammar([dialect], tools or TOOLS), ways)


def calls_in(text: str, dialect: Dialect = GLM, *tools: ToolSpec) -> list[ToolCall]:
    return calls_among(events_of(text, dialect, *tools))


SHAPES = {
    "GLM 4.7": f"<tool_call>write{pair('path', 'a')}{pair('text', 'b')}</tool_call>",
    "GLM 4.5": f"<tool_call>write\n{pair('path', 'a', chr(10))}\n{pair('text', 'b', chr(10))}\n</tool_call>",
    "a tag for the name's end": f"<tool_call>write<tool_sep>{pair('path', 'a')}{pair('text', 'b')}</tool_call>",
    "value unclosed": "<tool_call>write<arg_key>path</arg_key><arg_value>a<arg_key>text</arg_key><arg_value>b</arg_value></tool_call>",
    "last value unclosed": f"<tool_call>write{pair('path', 'a')}<arg_key>text</arg_key><arg_value>b\n</tool_call>",
    "key unclosed": f"<tool_call>write<arg_key>path<arg_value>a</arg_value>{pair('text', 'b')}</tool_call>",
    "key opener missing": f"<tool_call>write path</arg_key><arg_value>a</arg_value>{pair('text', 'b')}</tool_call>",
    "second key opener missing": f"<tool_call>write{pair('path', 'a')}text</arg_key><arg_value>b</arg_value></tool_call>",
    "key opener doubled": f"<tool_call>write<arg_key>{pair('path', 'a')}{pair('text', 'b')}</tool_call>",
    "second key opener doubled": f"<tool_call>write{pair('path', 'a')}<arg_key>{pair('text', 'b')}</tool_call>",
    "call opener for a key opener": "<tool_call>write<tool_call>path</arg_key><arg_value>a</arg_value>"
    "<tool_call>text</arg_key><arg_value>b</arg_value></tool_call>",
    "value opener missing": f"<tool_call>write<arg_key>path</arg_key>a</arg_value>{pair('text', 'b')}</tool_call>",
    "a key twice with one value": f"<tool_call>write{pair('path', 'a')}{pair('path', 'a')}{pair('text', 'b')}</tool_call>",
    "blanks around keys": f"<tool_call> write {pair(' path ', 'a')} {pair('text', 'b')} </tool_call>",
}


@pytest.mark.parametrize("tail", ["", "\n", "\nDone.", "<|observation|>", "<|user|>"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_pairs_are_read_whole_and_malformed(shape: str, tail: str) -> None:
    [call] = calls_in(shape + tail)
    assert call == ToolCall("", "write", {"path": "a", "text": "b"})


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>write<arg_key>path</arg_key><arg_key>text</arg_key><arg_value>b</arg_value></tool_call>",
        "<tool_call>write<arg_key>path<arg_key>text</arg_key><arg_value>b</arg_value></tool_call>",
        f"<tool_call>write{pair('path', 'a')}{pair('path', 'b')}</tool_call>",
        "<tool_call>write<arg_value>b</arg_value></tool_call>",
        f"<tool_call>{pair('path', 'a')}</tool_call>",
    ],
)
def test_what_cannot_be_placed_stays_text(text: str) -> None:
    [call] = calls_in(text)
    assert isinstance(call.arguments, str)


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>write<arg_key>path</arg_key><arg_value>a",
        "<tool_call>write<arg_key>path</arg_key><arg_value>a</arg_value>",
        "<tool_call>write<arg_key>path</arg_key><arg_value>a</arg_value><arg_key>te",
        "<tool_call>write<arg_key>pa",
        "<tool_call>stop",
    ],
)
def test_a_call_that_the_text_cut_is_not_whole(text: str) -> None:
    [call] = calls_in(text)
    assert not call.whole


EXAMPLE = f"<tool_call>demo\n{pair('city', 'Paris', chr(10))}\n</tool_call>"


@pytest.mark.parametrize(
    "value",
    [
        "  kept  ",
        "kept\n",
        "\nkept",
        "",
        "a </arg_value> b",
        "a</arg_value>",
        "<arg_value>",
        "say <tool_call> and </tool_call> so",
        "<tool_call>\n<function=f>\n</function>\n</tool_call>\nmore",
        '<tool_call>\n{"name": "f"}\n</tool_call>\n',
        f"Write:\n{EXAMPLE}\nand so on\n",
        f"{EXAMPLE}\n{EXAMPLE}\n",
        "<arg_key>city</arg_key><arg_value>Paris</arg_value>\nis a pair",
        "the <arg_key>text</arg_key> key",
        '<tool_call>{"a": 1}</tool_call>\n<tool_call>{"a": 2}</tool_call>\n',
    ],
)
def test_tags_inside_a_value_are_data(value: str) -> None:
    for text in (f"<tool_call>write{pair('text', value)}</tool_call>", f"<tool_call>write\n{pair('text', value)}\n</tool_call>"):
        for tail in ("", "\nDone.", f"\n{text}"):
            assert calls_in(text + tail)[0] == ToolCall("", "write", {"text": value})


@pytest.mark.parametrize(
    "value",
    [
        "x\n</arg_value>\n</tool_call>\ny",
        "x</arg_value></tool_call>y",
        "x\n</arg_value>\n<arg_key>zzz</arg_key>\n<arg_value>y\nz",
        "x</tool_call>\ny",
        "x\n</tool_call>\ny",
        "x\n</arg_value>\n<tool_call>",
    ],
)
def test_a_value_that_holds_its_calls_end_is_not_taken_for_less(value: str) -> None:
    [call] = calls_in(f"<tool_call>write{pair('text', value)}</tool_call>\nDone.")
    assert isinstance(call.arguments, str)


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>write<arg_key>text</arg_key><arg_value>x</tool_call>\n<think></arg_value>\n<arg_key>path</arg_key>",
        "<tool_call>write<arg_key>text</arg_key><arg_value></tool_call>\nx y</arg_value>\n<arg_key>path</arg_key>",
        "<tool_call>write<arg_key>text</arg_key><arg_value>x</arg_value> pat</arg_key><arg_value>",
        "<tool_calls><tool_call><arg_key>f<arg_key>a</arg_key>",
    ],
)
def test_cuts_do_not_matter_where_closers_stand_astray(text: str) -> None:
    for dialect in (GLM, HY_V3):
        events_of(text, dialect)


@pytest.mark.parametrize(
    "text",
    [
        "Our <tool_call> envelope does not exist",
        "The <tool_call>tags</tool_call> are not used",
        "Use <tool_call>\n```json\n{}\n```",
        "GLM uses <tool_call>name <arg_key> and",
        "It writes <tool_call><arg_key> first",
        "Then <tool_call>write the text</tool_call>",
        "Then <tool_calls> and <tool_call>",
    ],
)
def test_prose_about_the_format_is_text_and_released(text: str) -> None:
    for dialect in (GLM, HY_V3):
        assert all(isinstance(event, (Text, Markup)) for event in events_of(f"{text} here.", dialect))
        decoder = decoder_for(grammar([dialect], TOOLS))
        released = text_among(decoder.feed(f"{text} here it"))
        assert len(f"{text} here it") - len(released) < 2


def test_a_name_alone_is_a_call_where_it_is_declared_or_stands_alone() -> None:
    assert calls_in("Well.<tool_call>stop</tool_call> Done.") == [ToolCall("", "stop", {})]
    assert calls_in("<tool_call>halt</tool_call>\n") == [ToolCall("", "halt", {})]
    assert calls_in("<tool_call>stop\n<tool_call>stop</tool_call>") == [
        ToolCall("", "stop", {}, whole=False),
        ToolCall("", "stop", {}),
    ]


def test_a_closer_too_many_is_dropped() -> None:
    call, *rest = events_of(SHAPES["GLM 4.7"] + "</tool_call>")
    assert isinstance(call, Call)
    assert [type(event) for event in rest] == [Markup]


def test_what_follows_a_call_is_invented() -> None:
    for tail in ("<|observation|>\n42", "\n<tool_response>\n42\n</tool_response>"):
        call, *rest = events_of(SHAPES["GLM 4.7"] + tail)
        assert isinstance(call, Call)
        assert not "".join(event.raw for event in rest if not isinstance(event, Markup)).strip()


@pytest.mark.parametrize("dialect", [HY_V3, HY_V4], ids=lambda each: each.name)
@pytest.mark.parametrize("suffix", ["", ":opensource"])
@pytest.mark.parametrize("between", ["", "\n"])
def test_a_section_of_several_calls_leaves_no_text(dialect: Dialect, suffix: str, between: str) -> None:
    call = between.join(["<tool_call>write<tool_sep>", pair("path", "a", between), "</tool_call>"])
    section = between.join(["<tool_calls>", call, call.replace("<tool_sep>", ""), "</tool_calls>"])
    events = events_of(section.replace(">", f"{suffix}>").replace("\n\n", "\n") + between, dialect)
    assert calls_among(events) == [ToolCall("", "write", {"path": "a"})] * 2
    assert not [event for event in events if isinstance(event, Text) and event.raw.strip()]


def test_a_said_type_is_heard_where_it_is_not_text() -> None:
    typed = "".join(
        f"<ifm|arg_key>{key}</ifm|arg_key>\n<ifm|arg_type>{kind}</ifm|arg_type>\n<ifm|arg_value>{text}</ifm|arg_value>\n"
        for key, kind, text in [("a", "integer", "2"), ("b", "string", "2"), ("c", "boolean", "yes"), ("d", "array", "[1]")]
    )
    [call] = calls_in(f"<ifm|tool_calls>\n<ifm|tool_call>f\n{typed}</ifm|tool_call>\n</ifm|tool_calls>", K2_HORIZON)
    assert call == ToolCall("", "f", {"a": 2, "b": "2", "c": "yes", "d": [1]})


PIECES = (
    "<tool_call>", "</tool_call>", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", "<tool_sep>", "</tool_calls>",
    "f", "a", "text", "\n", " ", "x", "<|observation|>", "<tool_response>", "é", "<",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=10).map("".join)
ARGUMENTS = st.dictionaries(st.sampled_from(["a", "text", "long name"]), TEXTS | st.integers() | st.lists(st.booleans()))


@FAMILY
@given(arguments=ARGUMENTS, known=st.booleans())
def test_it_reads_what_it_writes(dialect: Dialect, arguments: dict[str, Any], known: bool) -> None:
    tool = ToolSpec("f", "", {"properties": {"a": {}, "text": {}, "long name": {}} if known else {}})
    try:
        block = dialect.render((ToolCall("", "f", arguments),))
    except Unwritable:
        return
    typed = dialect is K2_HORIZON
    expected = ToolCall("", "f", arguments if typed else {key: as_text(value) for key, value in arguments.items()})
    using = grammar([dialect], (tool,))
    for text, calls in ((block, 1), (f"{block}\nmore", 1), (f"{block}\n{block}", 2)):
        assert calls_among(decode(text, using)) == [expected] * calls


@FAMILY
def test_what_would_be_misread_is_not_written(dialect: Dialect) -> None:
    tags = [
        next(each for each in dialect.closers if each.startswith("</") and name in each) for name in ("tool_call", "arg_value")
    ]
    key = tags[1].replace("value", "key")
    for value in (f"x{tags[1]}{tags[0]}y", f"x\n{tags[1]}\n{tags[0]}\n"):
        with pytest.raises(Unwritable):
            dialect.render((ToolCall("", "write", {"text": value}),))
    for call in (ToolCall("", "write", "text"), ToolCall("", "no name", {}), ToolCall("", "write", {f"a{key}": 1})):
        with pytest.raises(Unwritable):
            dialect.render((call,))


@FAMILY
def test_the_prompt_shows_a_right_example(dialect: Dialect) -> None:
    prompt = dialect.describe((WRITE,))
    example = prompt[prompt.rindex("behind it:") + len("behind it:") :]
    assert calls_among(decode(example, grammar([dialect], (WRITE,)))) == [ToolCall("", "write", {"path": "the path"})]


@pytest.mark.parametrize("head", ["", "<tool_call>f<arg_key>a</arg_key><arg_value>"])
@pytest.mark.parametrize(
    "unit",
    [
        *PIECES,
        "<tool_calls>",
        "</arg_value><arg_key>a",
        "<tool_call>f<arg_key>",
        "</arg_value></tool_call>x",
        "<tool_call>f</tool_call> ",
        "</arg_value> a",
    ],
)
def test_time_is_linear(head: str, unit: str) -> None:
    assert decodes_linearly((GLM, HY_V3), unit, head, size=10_000)
