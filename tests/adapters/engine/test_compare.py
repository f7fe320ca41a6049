"""What is a difference, and what is none."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from adapters.engine.base import PARSERS
from adapters.engine.compare import compare
from adapters.engine.same import same_call
from adapters.engine.versions import version_of, was_in
from rules.conversation import ToolSpec
from tests.adapters.engine.examples import GEMMA, HERMES, LS, QWEN, TOOLS, call, heard
from tests.linear import grows_linearly

SAME = [
    ("the order of keys", '{"command": "ls", "wait": 1}', '{"wait": 1, "command": "ls"}'),
    ("5 and 5.0", '{"wait": 5}', '{"wait": 5.0}'),
    ("digits for a number", '{"wait": "5"}', '{"wait": 5}'),
    ("a boolean in letters", '{"force": "true"}', '{"force": true}'),
    ("a boolean as Python writes it", '{"force": "True"}', '{"force": true}'),
    ("a number for a text", '{"command": 5}', '{"command": "5"}'),
    ("a newline that frames a value", '{"command": "\\nls\\n"}', '{"command": "ls"}'),
    ("arguments inside a string", LS, '"{\\"command\\": \\"ls\\"}"'),
    ("null for no arguments", "{}", "null"),
    ("an empty string for no arguments", "{}", '""'),
    ("a missing bracket", LS, '{"command": "ls"'),
    ("all arguments in one", LS, '{"arguments": "{\\"command\\": \\"ls\\"}"}'),
    ("text that cannot be read", "{ls -la}", "{ls -la}"),
]
DIFFERENT = [
    ("quotes", LS, '{"command": "\\"ls\\""}'),
    ("a text for a number, by no schema", '{"wait": 5}', '{"wait": "5"}'),
    ("true and 1", '{"wait": 1}', '{"wait": true}'),
    ("a lost argument", '{"command": "ls", "wait": 1}', LS),
    ("an invented one", LS, '{"command": "ls", "wait": 1}'),
    ("a shortened text", '{"command": "rm -rf /srv/old"}', '{"command": "rm -rf /srv"}'),
    ("a text that does not end", LS, '{"command": "ls'),
    ("a brace too many", LS, '{"command": "ls"}}'),
    ("no arguments at all", LS, ""),
]


@pytest.mark.parametrize(("ours", "theirs"), [each[1:] for each in SAME], ids=[each[0] for each in SAME])
def test_what_a_server_may_choose_is_no_difference(ours: str, theirs: str) -> None:
    assert same_call(call(ours), call(theirs), TOOLS)


@pytest.mark.parametrize(("ours", "theirs"), [each[1:] for each in DIFFERENT], ids=[each[0] for each in DIFFERENT])
def test_what_a_server_may_not_change_is_one(ours: str, theirs: str) -> None:
    assert not same_call(call(ours), call(theirs), TOOLS)


def test_types_are_the_servers_to_choose_inside_lists_and_objects_too() -> None:
    inner = {"type": "object", "properties": {"n": {"type": "integer"}}}
    tools = (ToolSpec("run", "", {"type": "object", "properties": {"a": {"type": "array", "items": inner}}}),)
    assert same_call(call('{"a": [{"n": "1"}]}'), call('{"a": [{"n": 1}]}'), tools)
    assert not same_call(call('{"a": [{"m": 1}]}'), call('{"a": [{"m": "1"}]}'), tools)
    assert same_call(call('{"a": "[{\\"n\\": 1}]"}'), call('{"a": [{"n": 1}]}'), tools)


RIGHT: dict[str, Any] = {
    "a call": heard("gemma4", GEMMA, (LS,), (LS,), finish="tool_calls"),
    "text around calls": heard("qwen_xml", f"One. {QWEN} Two.", (LS,), (LS,), text="One.\nTwo.", content="One.  Two."),
    "thought and text": heard("gemma4", "...", text="Yes.", thinking="Hm.", content="\nYes.", reasoning="Hm.\n"),
    "an invented result": heard("qwen_xml", "...", (LS,), (LS,), content="<tool_response>\n21\n</tool_response> It is 21."),
    "a thought where nobody sets thoughts apart": heard(
        "hermes_json", "...", text="Yes.", thinking="Hm.", content="<think>Hm.</think>Yes."
    ),
    "text that is kept with its thoughts": heard("hermes_json", "...", text=None, content="Hm."),
    "cut in the middle of a call": heard("hermes_json", HERMES[:-30], (), (), text="", finish="length", limited=True),
    "no raw text": heard("gemma4", "", (), (LS,), text="?"),
}


@pytest.mark.parametrize("title", RIGHT)
def test_a_faithful_answer_is_not_blamed(title: str) -> None:
    assert compare(RIGHT[title], "0.32.0") is None


def test_a_server_that_mends_as_the_rules_do_is_right() -> None:
    answer = heard("hermes_json", HERMES, ('{"Command": "ls"}',), (LS,), mended=(call(LS),))
    assert compare(answer) is None


@pytest.mark.parametrize(
    ("read", "served", "kind"),
    [
        ((LS,), (), "call-not-parsed"),
        ((LS, '{"command": "a"}'), (LS,), "call-not-parsed"),
        ((LS, '{"command": "a"}'), ('{"command": "b"}',), "call-misparsed"),
        ((LS,), ('{"command": "b"}',), "call-misparsed"),
        ((), (LS,), "call-invented"),
        ((LS,), ('{"command": "b"}', LS), "call-invented"),
        ((LS, LS), (LS,), "call-not-parsed"),
    ],
)
def test_a_difference_is_told_though_nothing_is_known_of_it(read: tuple[str, ...], served: tuple[str, ...], kind: str) -> None:
    found = compare(heard("mistral", "[TOOL_CALLS]...", read, served), "0.32.0")
    assert found is not None
    assert (found.kind, found.name, found.issues) == (kind, "", ())


def test_a_call_that_is_cut_is_not_compared_but_those_before_it_are() -> None:
    cut = heard("hermes_json", HERMES, finish="length", limited=True)
    half = replace(call('{"command": "l"}'), whole=False)
    assert compare(replace(cut, read=(call(LS), half), served=(call(LS), call('{"command": "l')))) is None
    found = compare(replace(cut, read=(call(LS), half), served=(call("{}"), call('{"command": "l'))))
    assert found is not None
    assert found.kind == "call-misparsed"
    found = compare(replace(cut, read=(half,), served=(call('{"command": "l"}'),)))
    assert found is not None
    assert found.kind == "call-closed-up"


def test_the_version_is_read_where_it_is_told() -> None:
    assert version_of("vllm-0.32.0-4b285799") == "0.32.0"
    assert version_of("vllm-v0.33.1.dev3-abc") == "0.33.1"
    assert [version_of(each) for each in ("fp_44709d6fcb", "", None, 7, "vllm-" + "9" * 50)] == [""] * 5
    assert was_in("0.32.0", "0.32", "0.33")
    assert was_in("", "0.1", "0.2")
    assert not was_in("0.9.2", "0.19", "")
    assert not was_in("0.33.0", "", "0.33")


def test_right_answers_cost_little() -> None:
    command = '{"command": "' + "x" * 20_000 + '"}'
    answer = heard("gemma4", "x" * 20_000, (command,), (command,), text="y" * 5000, content="y" * 5000)
    started = time.perf_counter()
    for _ in range(1000):
        compare(answer)
    assert time.perf_counter() - started < 1.0


@pytest.mark.parametrize("dialect", PARSERS)
@pytest.mark.parametrize("unit", ["<parameter=", "</parameter", "<tool_call>", "<|tool_call>", '"{', "<function=a>\n", "\\"])
def test_it_costs_linear_time(dialect: str, unit: str) -> None:
    def build(length: int) -> str:
        return unit * (length // len(unit))

    def run(text: str) -> object:
        ours, theirs = json.dumps({"command": text, **dict.fromkeys(map(str, range(len(text) // 20)), text[:20])}), text
        answer = heard(dialect, text, (ours, ours), (theirs, ours.replace("0", "1")), text=text, content=text[::-1], marks=MARKS)
        return compare(answer)

    assert grows_linearly(run, build, 8_000)


MARKS = frozenset({"</tool_call>", "<tool_call|>"})
