"""Calls written as Python: what counts without marks, how literals are read, what is cut, what is refused, in every cut."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Call, Dialect, Event, Text, Unwritable
from adapters.decoding import decoder_for
from adapters.grammar import grammar
from adapters.models.python.python_literals import unescape, write_value
from adapters.models.pythonic import LFM2, LLAMA4_PYTHONIC, OLMO3, PYTHONIC, TOOL_CODE
from proxy.profiles import choose, load
from rules.conversation import ToolCall, Tools, ToolSpec
from tests.adapters.models.corpus_cases import decodes_linearly
from tests.adapters.models.cut_decoding import calls_among, decode_alike, in_every_way, text_among

FAMILY = (PYTHONIC, LLAMA4_PYTHONIC, LFM2, OLMO3, TOOL_CODE)
TOOLS: Tools = (
    ToolSpec(
        "get_weather",
        "",
        {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]},
    ),
    ToolSpec("set-up", "", {"type": "object", "properties": {"options": {"type": "object"}}}),
    ToolSpec("f", "", {"type": "object", "properties": {"a": {"type": "string"}}}),
)
PARIS = ToolCall("", "get_weather", {"city": "Paris"})


def events_of(text: str, *dialects: Dialect) -> list[Event]:
    """Decode a text whole, and see that no cut changes that."""
    return decode_alike(text, grammar(dialects or FAMILY, TOOLS), in_every_way(text))


def calls_in(text: str, *dialects: Dialect) -> list[ToolCall]:
    return calls_among(events_of(text, *dialects))


def arguments_in(text: str) -> Any:
    [call] = calls_in(text)
    return call.arguments


@pytest.mark.parametrize(
    "text",
    [
        '[get_weather(city="Paris")]',
        "  [ get_weather(city='Paris'), ] ",
        'get_weather("Paris")',
        'Let me look.\n[get_weather(city="Paris")]',
        '[get_weather(city="Paris")]\nNow I wait.',
        '[get_weather(city="Paris")]<|eot_id|>',
        '<think>hm</think>\nget_weather(city="Paris")',
        '[functions.get_weather(city="Paris")]',
        '<|python_start|>get_weather(city="Paris")<|python_end|>',
        'x <|tool_call_start|>[get_weather(city="Paris")]<|tool_call_end|> y',
        '<|tool_call_start|>[get_weather(city="Paris")]\nNow I wait.',
        '<function_calls>\nget_weather(city="Paris")\n</function_calls>',
        '<function_calls>get_weather(city="Paris")</function_calls>',
        '```tool_code\nprint(default_api.get_weather(city="Paris"))\n```',
        '```tool_code\nget_weather(city="Paris")\n```\nThen we will see.',
    ],
)
def test_a_call_is_read(text: str) -> None:
    [call] = calls_in(text)
    assert (call.name.rpartition(".")[2], call.arguments, call.whole) == ("get_weather", {"city": "Paris"}, True)


@pytest.mark.parametrize(
    "text",
    [
        "get_weather(city) returns the forecast.",
        'get_weather(city="Paris") returns the forecast.',
        'get_weather(city="Paris")\nreturns the forecast.',
        'Use\nget_weather(city="Paris")',
        'Write\n[get_weather(city="Paris")]\nand no more.',
        '[get_weather(city="Paris")] is how.',
        "[get_weather](https://example.com) tells more.",
        "[get_weather(city)]",
        "[get_weather(city=city)]",
        '[get_weather(city=f"{name}")]',
        '[get_weather(city="Paris" + "x")]',
        '[unknown(a="x")]',
        '[get_weather (city="Paris")]',
        "get_weather(city",
        "[f]",
        "f()s are functions",
        '```tool_code\nprint("hello")\n```',
        '```tool_code\nfor x in y: get_weather(city="Paris")\n```',
        '```python\nget_weather(city="Paris")\n```',
        '```\n[get_weather(city="Paris")]\n```',
        "The <function_calls> tag holds calls.",
        '<function_calls>\n<invoke name="f">\n</invoke>\n',
        "The <|tool_call_start|> marker opens a list.",
        "It is `<|python_start|>[f()]<|python_end|>`.",
    ],
)
def test_what_only_speaks_of_calls_is_text(text: str) -> None:
    assert events_of(text) == [Text(text)]


def test_prose_is_released_at_once() -> None:
    for text in (
        "[see the",
        "[link](",
        "get_weather(the city ",
        "<function_calls> are the ",
        "<|tool_call_start|> opens a",
        "[get_weird",
    ):
        decoder = decoder_for(grammar(FAMILY, TOOLS))
        assert "".join(event.raw for event in decoder.feed(text)) == text


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("'it's'", "it's"),
        ("'a\nb'", "a\nb"),
        (r"'it\'s \"so\" \\ \n \x41 \u00e9 \U0001F600 \101'", 'it\'s "so" \\ \n A é 😀 A'),
        (r"'\ud83d\ude00'", "😀"),
        (r"'\d+\.\w'", r"\d+\.\w"),
        (r"r'\n'", "\\n"),
        ("''", ""),
        ('""', ""),
        ("'''a'b''c'''", "a'b''c"),
        ('"""say "hi" now"""', 'say "hi" now'),
        ('"""a\\"""b"""', 'a"""b'),
        ("'a' \"b\"\n'c'", "abc"),
        ("True", True),
        ("false", False),
        ("None", None),
        ("-12", -12),
        ("+3", 3),
        ("1_000", 1000),
        ("02139", "02139"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("2.", 2.0),
        ("[1, 'a', [], {}]", [1, "a", [], {}]),
        ("(1, 2)", [1, 2]),
        ("('a')", "a"),
        ("('a',)", ["a"]),
        ("()", []),
        ("{'a': {'b': [None]}, \"c\": 1,}", {"a": {"b": [None]}, "c": 1}),
        ("'#not a comment'  # a comment, 'quoted'\n", "#not a comment"),
        ("'</function_calls>```<|python_end|>'", "</function_calls>```<|python_end|>"),
    ],
)
def test_literals_are_read(literal: str, value: Any) -> None:
    assert arguments_in(f"[f(a={literal})]") == {"a": value}
    assert arguments_in(f"<|python_start|>[f(a={literal})]<|python_end|>") == {"a": value}
    assert arguments_in(f"<function_calls>\nf(a={literal})\n</function_calls>") == {"a": value}


@pytest.mark.parametrize(
    "literal",
    [
        "0x1f", "1-2", "1e999", "9" * 5000, "open('x')", "__import__('os')", "{1, 2}", "{1: 2}", "lambda: 1", "x", "[1 2]", "b'x'",
        "f'x'", "'a', a='b'", "{'a': 1, 'a': 2}", "'it 's here'", "1 if x else 2", "*x", "**x", "[" * 100 + "]" * 100,
    ],
)  # fmt: skip
def test_what_is_no_literal_is_no_argument(literal: str) -> None:
    assert calls_in(f"[f(a={literal})]") == []
    [call] = calls_in(f"<|tool_call_start|>[f(a={literal})]<|tool_call_end|>")
    assert (call.name, call.whole) == ("", True)
    assert isinstance(call.arguments, str)


def test_values_without_names_follow_the_schema() -> None:
    assert arguments_in('[get_weather("Paris", 3)]') == {"city": "Paris", "days": 3}
    assert arguments_in('[get_weather("Paris", days=3)]') == {"city": "Paris", "days": 3}
    assert arguments_in('[get_weather({"city": "Paris"})]') == {"city": "Paris"}
    assert arguments_in('[set_up({"options": 1})]') == {"options": {"options": 1}}
    assert arguments_in('[get_weather("Paris", 3, 4)]') == '("Paris", 3, 4)'
    assert arguments_in('[get_weather("Paris", city="Rome")]') == '("Paris", city="Rome")'
    assert arguments_in('<|python_start|>[unknown("Paris")]<|python_end|>') == '("Paris")'


@pytest.mark.parametrize("body", ['[{"name": "f", "arguments": {"a": "x"}}]', '{"name": "f", "arguments": {"a": "x"}}'])
def test_json_between_the_marks_is_read(body: str) -> None:
    for text in (
        f"<|tool_call_start|>{body}<|tool_call_end|>\nSo.",
        f"<|tool_call_start|>{body}",
        f"<function_calls>\n{body}\n</function_calls>",
    ):
        assert calls_in(text) == [ToolCall("", "f", {"a": "x"})]
    [cut] = calls_in(f"<|tool_call_start|>{body[:-3]}")
    assert (cut.name, cut.whole) == ("", False)
    assert calls_in(f"```tool_code\n{body}\n```") == [ToolCall("", "f", {"a": "x"})]
    assert calls_in("```tool_code\n{}\n```".format(body.replace('"f"', '"g"'))) == []


def test_only_marks_of_its_own_make_a_call_of_an_unknown_name() -> None:
    assert calls_in('<|python_start|>[unknown(a="x")]<|python_end|>') == [ToolCall("", "unknown", {"a": "x"})]
    assert calls_in('<function_calls>\nunknown(a="x")\n</function_calls>') == [ToolCall("", "unknown", {"a": "x"})]
    assert calls_in('Our <function_calls>unknown(a="x")</function_calls>') == []


@pytest.mark.parametrize("head", ["[", "<|python_start|>[", "<|tool_call_start|>", "<function_calls>\n", "```tool_code\n"])
def test_a_cut_call_is_not_whole(head: str) -> None:
    [whole, cut] = calls_in(f"{head}f(a='x'), get_weather(city='Par")
    assert (whole, cut.whole, cut.arguments) == (ToolCall("", "f", {"a": "x"}), False, "(city='Par")
    for text in ("f(a='x'", "f(a='x',"):
        assert calls_in(head + text) == [ToolCall("", "f", {"a": "x"}, whole=False)]
    for text in ("f(a='x', b=[1", "f(a='x', b=Tru", "f(a='x', b=", "f(a='x', b", "f(a='x', b={'c':"):
        [call] = calls_in(head + text)
        assert (call.whole, call.arguments) == (False, text[1:])


def test_a_missing_bracket_is_supplied_by_the_closing_mark_alone() -> None:
    for text in ("[f(a='x')", "[f(a='x'", "f(a='x'"):
        assert calls_in(f"<|python_start|>{text}<|python_end|>") == [ToolCall("", "f", {"a": "x"})]
    [call] = calls_in("<|python_start|>[f(a=[1, 2)]<|python_end|>")
    assert (call.name, call.arguments) == ("", "f(a=[1, 2)]<|python_end|>")


def test_a_string_that_does_not_end_gives_its_block_an_end_at_the_closing_mark() -> None:
    text = "<|python_start|>[f(a='x)]<|python_end|>"
    events = events_of(f"{text}\nSo it is.")
    assert [event.raw for event in events] == [text, "\nSo it is."]
    assert calls_in(text) == [ToolCall("", "", text.removeprefix("<|python_start|>["))]


def test_stray_marks_and_invented_results_reach_nobody() -> None:
    for text in (
        "[f()]<|python_end|>\n<|header_start|>ipython<|header_end|>\n42",
        "<|tool_call_start|>[f()]<|tool_call_end|><|im_end|>",
        "<|tool_call_start|>[f()]<|tool_call_end|>\n<|tool_response_start|>42",
        "```tool_code\nf()\n```\n```tool_output\n42\n```",
        "<|tool_call_start|>[]<|tool_call_end|>[f()]",
    ):
        events = events_of(text)
        assert calls_among(events) == [ToolCall("", "f", {})]
        assert not text_among(events).strip()


@pytest.mark.parametrize(
    ("model", "profile"),
    [
        ("LiquidAI/LFM2-8B-A1B", "lfm2"),
        ("LiquidAI/LFM2.5-1.2B-Instruct", "lfm2"),
        ("LiquidAI/LFM2.5-24B-A2B", "lfm2.5-24b"),
        ("allenai/Olmo-3-7B-Instruct", "olmo-3"),
        ("allenai/Olmo-3.1-32B-Think", "olmo-3-think"),
    ],
)
def test_models_have_their_profiles(model: str, profile: str) -> None:
    assert choose(model, load()).name == profile


PIECES = st.sampled_from(
    ["[", "]", "(", ")", "{", "}", ",", "=", ":", ";", "'", '"', "'''", '"""', "\\", "#", "\n", " ", "f", "f(", "a=", "'x'", "get_", "1", "print(",
     "r", "<", "<|python_end|>", "</function_calls>", "```", "é", "."]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(["[f(a=", "f(", "<|python_start|>", "<function_calls>\n", "```tool_code\n", "x <function_calls>"]),
    st.lists(PIECES, max_size=24).map("".join),
)
def test_cuts_do_not_matter(head: str, text: str) -> None:
    events_of(head + text)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(["a", "\\", '"', "n", "x4", "1", "u00e9", "\n", "N", "8", "0"]), max_size=12).map("".join))
def test_escapes_are_pythons(raw: str) -> None:
    try:
        value = ast.literal_eval(f"'''{raw}'''")
    except (SyntaxError, ValueError):
        return
    assert unescape(raw) == value


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "b-c", "d.e"]), VALUES), st.sampled_from(FAMILY))
def test_it_reads_what_it_writes(arguments: dict[str, Any], dialect: Dialect) -> None:
    calls = (ToolCall("", "f", arguments), ToolCall("", "set-up", {}))
    block = dialect.render(calls)
    decoder = decoder_for(grammar((dialect,), TOOLS))
    events = [*decoder.feed(block), *decoder.finish()]
    assert tuple(event.call for event in events if isinstance(event, Call)) == calls


@settings(max_examples=200)
@given(VALUES)
def test_python_itself_reads_what_is_written(value: Any) -> None:
    assert ast.literal_eval(write_value(value)) == value


def test_halves_of_characters_are_carried_where_they_stay_apart() -> None:
    assert calls_in(PYTHONIC.render((ToolCall("", "f", {"a": "\ud83d x \ude00"}),)), PYTHONIC)[0].arguments == {
        "a": "\ud83d x \ude00"
    }
    with pytest.raises(Unwritable):
        PYTHONIC.render((ToolCall("", "f", {"a": "\ud83d\ude00"}),))


DEEP: list[Any] = []
for _ in range(200):
    DEEP = [DEEP]


@pytest.mark.parametrize("dialect", FAMILY, ids=[dialect.name for dialect in FAMILY])
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("f", "text"),
        ("f", {"a": float("nan")}),
        ("f", {"a": float("-inf")}),
        ("f", {"a": 10**500}),
        ("f", {"a": 10**5000}),
        ("f", {"a": DEEP}),
        ("f", {"a b": 1}),
        ("f", {"": 1}),
        ("f g", {"a": 1}),
        ("f(", {"a": 1}),
        ("", {"a": 1}),
    ],
)
def test_what_python_cannot_carry_is_not_written(dialect: Dialect, name: str, arguments: Any) -> None:
    with pytest.raises(Unwritable):
        dialect.render((ToolCall("", name, arguments),))


@pytest.mark.parametrize("dialect", FAMILY, ids=[dialect.name for dialect in FAMILY])
def test_the_prompt_shows_a_right_example(dialect: Dialect) -> None:
    prompt = dialect.describe(TOOLS[:1])
    begin = prompt.rindex(dialect.render((ToolCall("", "get_weather", {"city": "the city"}),)))
    assert calls_in(prompt[begin:].split("\n\nArguments")[0], dialect)[0].arguments == {"city": "the city"}
    assert dialect.describe(()) == ""


@pytest.mark.parametrize("head", ["", "[f(a='", "<|python_start|>[f(a=", "<function_calls>\nf(", "```tool_code\n"])
@pytest.mark.parametrize(
    "unit",
    ["[", "[f(a='x", "f(", "f(a='", "'", '"', "'''", "\\", "#\n", "<|python_end|>", "<|python_start|>f(", "[f(a=[", "a=1,", "a", "{'a':"],
)  # fmt: skip
def test_time_is_linear(head: str, unit: str) -> None:
    assert decodes_linearly(FAMILY, unit, head, size=10_000)
