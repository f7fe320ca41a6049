"""What is strict JSON reads as `json.loads` does; what is nearly JSON reads as what it means, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules.json_reader import JsonReader
from rules.read_json import MAX_DEPTH, MAX_LOOSE, Reading, Unreadable, read_json, read_many
from tests.linear import grows_linearly

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
LOOSE_TEXT = st.text(alphabet="{}[]:,\"'`\\/#*\n\t ntrue0.1-eNaxy")
CORPUS = Path(__file__).parents[1] / "corpus" / "hermes-json.jsonl"

MEANT = [
    ("{'a': \"it's\", 'b': 'it\\'s'}", {"a": "it's", "b": "it's"}),
    ("{'a': 'don't', 'b': 'x'}", {"a": "don't", "b": "x"}),
    ('{"a": True, "b": None, "c": False}', {"a": True, "b": None, "c": False}),
    ('{"a": "x\ny\tz"}', {"a": "x\ny\tz"}),
    ('{"a": [1, 2,], }', {"a": [1, 2]}),
    ("{a: 1, // one\n b: 2 /* two */ # end\n}", {"a": 1, "b": 2}),
    ('{"a": \\n[1]\\n}', {"a": [1]}),
    (r'{"p": "\d+\.\w"}', {"p": r"\d+\.\w"}),
    ('```json\n{"a": "```"}\n```', {"a": "```"}),
    ('{"a": 1}}', {"a": 1}),
    ('{"a": 1, "a": 1}', {"a": 1}),
    ('{"a": "he said "no" to me", "b": 2}', {"a": 'he said "no" to me', "b": 2}),
    ('{"a": "f("x", "y")"}', {"a": 'f("x", "y")'}),
    ('{"p": "a.py", "c": "x = {"a": "b", "c": "d"}"}', {"p": "a.py", "c": 'x = {"a": "b", "c": "d"}'}),
    ('{"c": """"Doc "this", and {"a": "b", "c": 1}."""\\n"}', {"c": '"""Doc "this", and {"a": "b", "c": 1}."""\n'}),
    ('["print("a", "b")", "c"]', ['print("a", "b")', "c"]),
    ('{"n": 123456789012345678901234567890,}', {"n": 123456789012345678901234567890}),
    (r'{"a": "\ud83d\ude80",}', {"a": "🚀"}),
]

REFUSED = [
    "", "  ", "{utterly mangled}", '{"a": 007}', '{"a": NaN}', '{"a": -Infinity}', "[1e999]", "9" * 5000, '{"a": "1" "b": 2}',
    '{"a": 1, "a": 2}', '{"a": 1, "a": true}', '{"a": "x" + "y"}', '{"a": [1}', '{"a": 1} and more', '{"a": """x"""}',
    '{"a": "5" pipe"}', '{"a": "5" pipe", "b": "x"}', '{"a" 1}', "[" * 101, "{'a': OOPS}", '{"a": undefined}',
]  # fmt: skip


def value_of(reading: Reading | Unreadable) -> Any:
    assert isinstance(reading, Reading), reading
    return reading.value


@given(VALUES, st.booleans(), st.sampled_from([None, 2]))
def test_strict_json_reads_as_json_loads_does(value: Any, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    reading = read_json(text)
    assert repr(value_of(reading)) == repr(json.loads(text))
    assert isinstance(reading, Reading)
    assert reading.strict


@given(VALUES)
@example({"": "", "\U00010000" * 40 + "\x1f" * 40: ""})
def test_the_loose_reader_reads_strict_json_alike(value: Any) -> None:
    text = json.dumps(value)
    reader = JsonReader(text, 0, len(text))
    assert repr(reader.read()) == repr(value)
    assert not reader.mended
    assert reader.at == len(text)


@pytest.mark.parametrize(("text", "meant"), MEANT)
def test_slips_are_read_as_what_they_mean(text: str, meant: Any) -> None:
    reading = read_json(text)
    assert value_of(reading) == meant


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_certain_is_refused(text: str) -> None:
    assert isinstance(read_json(text), Unreadable)
    assert isinstance(read_json(text, closed=True), Unreadable)


@pytest.mark.parametrize("text", [text for text, _ in MEANT if "```" not in text and text[-2:] != "}}"])
def test_a_text_cut_anywhere_is_never_read(text: str) -> None:
    for cut in range(len(text.rstrip()) - 1):
        found = read_json(text[: cut + 1])
        assert isinstance(found, Unreadable), text[: cut + 1]


@pytest.mark.parametrize("text", ['{"a": "rm -rf /work', '{"a": "x", "b', '{"a":', '{"a": [1,', '{"a": tr'])
def test_what_does_not_end_is_incomplete_even_where_the_block_was_closed(text: str) -> None:
    for closed in (False, True):
        found = read_json(text, closed=closed)
        assert isinstance(found, Unreadable)
        assert found.incomplete


def test_missing_closers_are_supplied_only_to_a_closed_block() -> None:
    text = '{"name": "terminal", "arguments": {"command": "ls -la"\n'
    found = read_json(text)
    assert isinstance(found, Unreadable)
    assert found.incomplete
    assert value_of(read_json(text, closed=True)) == {"name": "terminal", "arguments": {"command": "ls -la"}}


def test_several_values_are_read_one_after_the_other() -> None:
    text = '{"a": 1}\n{"b": "x"}, {c: 2}'
    found = read_many(text)
    assert isinstance(found, tuple)
    assert [each.value for each in found] == [{"a": 1}, {"b": "x"}, {"c": 2}]
    assert [text[: each.end][-1] for each in found] == ["}", "}", "}"]
    assert isinstance(read_many('{"a": 1}\n{"b": "x'), Unreadable)
    assert isinstance(read_many(""), Unreadable)


def test_nesting_is_bounded() -> None:
    assert isinstance(read_json("[" * MAX_DEPTH + "]" * MAX_DEPTH), Reading)
    assert isinstance(read_json("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)), Unreadable)
    assert isinstance(read_json('["' + "[" * 500 + '"]'), Reading)
    assert isinstance(read_json("[" * 100_000), Unreadable)


@given(st.text() | LOOSE_TEXT, st.booleans())
@example("\\", True)
@example('"\\', True)
@example("[\\u12", False)
def test_it_never_raises(text: str, closed: bool) -> None:
    read_json(text, closed=closed)
    read_many(text, closed=closed)


@given(VALUES, st.data())
def test_it_never_raises_on_damaged_json(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value)
    at = data.draw(st.integers(0, len(text)))
    damage = data.draw(LOOSE_TEXT)
    skipped = data.draw(st.integers(0, 3))
    read_json(text[:at] + damage + text[at + skipped :])


@given(VALUES)
def test_what_was_mended_reads_the_same_once_written(value: Any) -> None:
    reading = read_json(repr(value))
    if isinstance(reading, Reading):
        assert repr(value_of(read_json(json.dumps(reading.value)))) == repr(reading.value)


def test_the_corpus_bodies_are_read() -> None:
    for line in CORPUS.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        opener, closer, calls = "<tool_call>", "</tool_call>", case["expect"]["calls"]
        if not case["repairable"] or case["raw"].count(opener) > 1 or len(calls) != 1 or opener not in case["raw"]:
            continue
        body = case["raw"].partition(opener)[2]
        reading = read_json(body[: body.rfind(closer)] if closer in body else body, closed=closer in body)
        assert isinstance(reading, Reading), case["id"]


def test_only_strict_json_may_be_long() -> None:
    strict = json.dumps({"a": "x" * MAX_LOOSE})
    assert isinstance(read_json(strict), Reading)
    assert isinstance(read_many(strict), tuple)
    loose = "{'a': 1}" + " " * MAX_LOOSE
    assert read_json(loose) == read_many(loose) == Unreadable("too long to mend")
    assert isinstance(read_json(loose[:MAX_LOOSE]), Reading)


HOSTILE: dict[str, Callable[[int], str]] = {
    "quotes": lambda n: '{"a":"' + '"' * n,
    "quotes and letters": lambda n: '{"a":"' + '"x' * n,
    "members": lambda n: '{"a":"' + '","b":"' * n,
    "comments": lambda n: '["' + '"//' * n,
    "block comments": lambda n: '["' + '"/*' * n,
    "blanks": lambda n: '["' + '" ' * n + " " * n,
    "literal newlines": lambda n: '["' + '"' + "\\n" * n,
    "backslashes": lambda n: '{"a":"' + "\\" * n,
    "openers": lambda n: '{"a":[' * n,
    "closers": lambda n: '["' + '"]' * n,
    "apostrophes": lambda n: "{'a':'" + "a'" * n,
    "digits": lambda n: "[" + "1" * n,
    "copies": lambda n: "{" + "'a':1," * n,
    "fences": lambda n: "```" * n,
    "words": lambda n: "[" + "a " * n,
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE.keys())
def test_time_is_linear(make: Callable[[int], str]) -> None:
    assert grows_linearly(read_json, make, 30_000)
