"""The machine for calls with a head and JSON behind it, in every format that is written so: what ends a call, and what does not."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Call, Dialect, Event, Markup, Text, Unwritable
from adapters.decoding import decode, decoder_for
from adapters.grammar import Grammar, grammar
from adapters.models.deepseek_v3 import DEEPSEEK_V3, DEEPSEEK_V31
from adapters.models.harmony import HARMONY
from adapters.models.kimi_k2 import KIMI_K2
from adapters.models.mistral import MISTRAL
from adapters.models.plamo3 import PLAMO3
from rules.conversation import ToolCall, ToolSpec
from tests.adapters.models.corpus_cases import decodes_linearly
from tests.adapters.models.cut_decoding import calls_among, decode_alike, in_two, text_among

TOOL = ToolSpec("f", "", {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]})
HEADED = (MISTRAL, DEEPSEEK_V3, DEEPSEEK_V31, KIMI_K2, HARMONY, PLAMO3)
CLOSED = tuple(each for each in HEADED if each is not MISTRAL)
GRAMMARS: dict[str, Grammar] = {each.name: grammar((each,), (TOOL,)) for each in HEADED}

every = pytest.mark.parametrize("dialect", HEADED, ids=lambda each: each.name)
closed = pytest.mark.parametrize("dialect", CLOSED, ids=lambda each: each.name)


def seen(dialect: Dialect, text: str) -> list[Event]:
    """Return the events of a text, having checked that single cuts do not matter: all of them where the text is short."""
    return decode_alike(text, GRAMMARS[dialect.name], in_two(text, 1 + len(text) // 200))


def calls_in(dialect: Dialect, text: str) -> list[ToolCall]:
    return calls_among(seen(dialect, text))


def text_in(dialect: Dialect, text: str) -> str:
    return text_among(seen(dialect, text))


def block(dialect: Dialect, arguments: str) -> str:
    """Write a call with this text for its arguments."""
    return dialect.render((ToolCall("", "f", {"a": "x"}),)).replace('{"a": "x"}', arguments)


def markers(dialect: Dialect) -> list[str]:
    """List the markers of a dialect: all that its grammar looks for, and what its calls are framed with."""
    using = GRAMMARS[dialect.name]
    framing = re.findall(r"<[^<>]+>|\[[A-Z_/]+\]", block(dialect, "{}"))
    return sorted({*using.forms, *using.stray, *using.ends, *using.results, *framing})


MARKERS = sorted({marker for dialect in HEADED for marker in markers(dialect)})


@every
@settings(max_examples=60, deadline=None)
@given(
    value=st.lists(st.sampled_from([*MARKERS, '"', "\\", "{", "}", "'", "`", "\n", " ", "x", '{"a": "x"}']), max_size=10).map(
        "".join
    )
)
def test_a_string_may_hold_any_marker(dialect: Dialect, value: str) -> None:
    calls = (ToolCall("", "f", {"a": value}), ToolCall("", "f", {"a": {"b": [value, 1.5, None]}}))
    events = decode(f"{dialect.render(calls)}\nDone.", GRAMMARS[dialect.name])
    assert tuple(event.call for event in events if isinstance(event, Call)) == calls


@every
@pytest.mark.parametrize(
    "value", ["x", 'say "hi" }', "{\n}", "<|call|> and [TOOL_CALLS]", "<|tool_call_end|>x<｜tool▁call▁end｜>"]
)
def test_no_beginning_of_a_call_is_another_whole_call(dialect: Dialect, value: str) -> None:
    call = ToolCall("", "f", {"a": value, "n": {"k": [1, 2]}})
    text = dialect.render((call,))
    for at in range(len(text)):
        for event in decode(text[:at], GRAMMARS[dialect.name]):
            assert not isinstance(event, Call) or event.call == call or not event.call.whole


@every
def test_arguments_keep_the_text_they_came_as(dialect: Dialect) -> None:
    [call] = calls_in(dialect, block(dialect, '{"a":  1.0}'))
    assert (call.arguments, call.written) == ({"a": 1.0}, '{"a":  1.0}')


@every
@pytest.mark.parametrize(
    "arguments", ['{"a": "echo "}" > g"}', '{"a": "echo "} && rm x"}', '{"a": "echo "}\n"b"}', '{"a": "say "hi" there"}']
)
def test_a_raw_quote_never_cuts_the_arguments_short(dialect: Dialect, arguments: str) -> None:
    [call] = calls_in(dialect, block(dialect, arguments))
    assert call.arguments == arguments


@closed
def test_a_closer_behind_more_text_shows_that_the_arguments_had_not_ended(dialect: Dialect) -> None:
    [call] = calls_in(dialect, block(dialect, '{"a": "echo "}\nls -l"}'))
    assert call.arguments == '{"a": "echo "}\nls -l"}'


@every
@pytest.mark.parametrize("broken", ['{"a": "x}', '{"a": "say "hi""}', '{"a" "x"}', "{'a': 'x'}", '{"a": "x"}}'])
def test_a_broken_call_does_not_swallow_the_next(dialect: Dialect, broken: str) -> None:
    good = ToolCall("", "f", {"a": "y"})
    calls = calls_in(dialect, block(dialect, broken) + dialect.render((good,)))
    assert calls[-1] == good
    assert [call.arguments for call in calls[:-1]] == [broken]


@closed
def test_a_missing_bracket_is_left_to_the_rules(dialect: Dialect) -> None:
    [call] = calls_in(dialect, block(dialect, '{"a": "x"'))
    assert (call.arguments, call.whole) == ('{"a": "x"', True)


@every
def test_a_missing_bracket_at_the_end_of_the_text_is_supplied_but_not_trusted(dialect: Dialect) -> None:
    cut = block(dialect, "{").partition("{")[0] + '{"a": "x"'
    assert calls_in(dialect, cut) == [ToolCall("", "f", {"a": "x"}, whole=False)]


@closed
@pytest.mark.parametrize("behind", ["\nI have called it.", " and that is all\nSo.", "\n{see} above."])
def test_text_behind_a_call_without_closer_is_text(dialect: Dialect, behind: str) -> None:
    begun = block(dialect, "{").partition("{")[0] + '{"a": "x"}'
    assert calls_in(dialect, begun + behind) == [ToolCall("", "f", {"a": "x"})]
    assert text_in(dialect, begun + behind) == behind


@closed
def test_data_that_the_text_cuts_behind_a_marker_stays_one_call(dialect: Dialect) -> None:
    text = dialect.render((ToolCall("", "f", {"a": f"shout {block(dialect, '{}')} softly"}),))
    cut = text[: text.index(" softly") + 4]
    assert [call.whole for call in calls_in(dialect, cut)] == [False]


@every
def test_arguments_may_be_left_out(dialect: Dialect) -> None:
    [call] = calls_in(dialect, block(dialect, ""))
    assert (call.name, call.arguments) == ("f", "")


@every
def test_prose_about_a_marker_is_released_at_once(dialect: Dialect) -> None:
    openers = [opener for opener in GRAMMARS[dialect.name].forms if opener[0] in "<["]
    for opener in openers:
        text = f"The marker {opener} stands, in our format, before a call. "
        assert "".join(event.raw for event in decoder_for(GRAMMARS[dialect.name]).feed(text)) == text
        assert seen(dialect, f"It is the marker {opener} here.") == [Text(f"It is the marker {opener} here.")]


@every
def test_an_opener_that_nothing_came_of_reaches_nobody(dialect: Dialect) -> None:
    opener = next(iter(GRAMMARS[dialect.name].forms))
    assert seen(dialect, f"Now.\n{opener}") == [Text("Now.\n"), Markup(opener)]


@every
@pytest.mark.parametrize(
    "call",
    [
        ToolCall("", "f", "text"),
        ToolCall("", "f", {"a": float("nan")}),
        ToolCall("", "two words", {}),
        ToolCall("", "<name>", {}),
        ToolCall("", "", {}),
    ],
)
def test_what_the_format_cannot_carry_is_refused(dialect: Dialect, call: ToolCall) -> None:
    with pytest.raises(Unwritable):
        dialect.render((call,))


@every
def test_the_prompt_shows_a_right_example(dialect: Dialect) -> None:
    prompt = dialect.describe((TOOL,))
    example: Any = dialect.render((ToolCall("", "f", {"a": "the a"}),))
    assert example in prompt
    assert "result" in dialect.result("f", "result")


@every
@pytest.mark.parametrize("unit", ['"', "\\", "{[", "]}", "x ", '"}\n', '{"a":"', '}" ', "MARKERS"])
def test_time_is_linear(dialect: Dialect, unit: str) -> None:
    unit = unit if unit != "MARKERS" else "".join(markers(dialect))
    for head in ("", block(dialect, "{").partition("{")[0], block(dialect, "{").partition("{")[0] + '{"a": "'):
        assert decodes_linearly((dialect,), unit, head, size=4_000)
