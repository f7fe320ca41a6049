"""A thought and a call in one JSON object, in every cut."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Call, Event, Text, Thinking, Unwritable
from adapters.decoding import decoder_for
from adapters.grammar import grammar
from adapters.models.thought_json import THOUGHT_JSON
from rules.conversation import ToolCall
from tests.adapters.models.corpus_cases import decodes_linearly
from tests.adapters.models.cut_decoding import calls_among, text_among
from tests.adapters.models.shell_cases import TOOLS, calls_in, events_of, runs

CALL = '{"thought": "I look {at} it.", "command": {"name": "edit", "arguments": {"path": "/a\\"}"}}}'
MADE = ToolCall("", "edit", {"path": '/a"}'})


def thought_in(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Thinking))


@pytest.mark.parametrize(
    "text", [CALL, f"  {CALL}\n", f"I edit.\n{CALL}", f"{CALL}\nOBSERVATION:\nmade up", f"{CALL}\nThen I wait."]
)
def test_the_object_is_a_thought_and_a_call(text: str) -> None:
    events = events_of(text, THOUGHT_JSON)
    assert calls_among(events) == [MADE]
    assert thought_in(events) == "I look {at} it."
    assert "made up" not in text_among(events)


@pytest.mark.parametrize(
    ("command", "call"),
    [
        ('"ls -la"', runs("ls -la")),
        ('{"name": "bash", "arguments": {"command": "ls -la"}}', runs("ls -la")),
        ('{"name": "stop"}', ToolCall("", "stop", {})),
        ('{"name": "edit", "arguments": "{\\"path\\": 1}"}', ToolCall("", "edit", '{"path": 1}')),
        ('{"name": "edit", "arguments": [1]}', ToolCall("", "edit", "[1]")),
    ],
)
def test_commands_in_other_shapes(command: str, call: ToolCall) -> None:
    assert calls_in(f'{{"thought": "", "command": {command}}}', THOUGHT_JSON) == [call]
    assert calls_in(f'{{"command": {command}, "thought": "x"}}', THOUGHT_JSON) == [call]


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "edit"}', '{"thought": "x"}', '{"thoughts": "x", "command": {"name": "edit"}}', "{braces}", "{", f"```json\n{CALL}\n```",
        f"So `{CALL}` it is.", f"So {CALL}", '{"thought": "x", "more": "', "{}",
    ],
)  # fmt: skip
def test_any_other_object_is_text(text: str) -> None:
    assert events_of(text, THOUGHT_JSON) == [Text(text)]


def test_a_cut_object_is_not_whole_and_a_mangled_one_is_nobodys() -> None:
    for at in range(CALL.index("command") + 9, len(CALL)):
        [call] = calls_in(CALL[:at], THOUGHT_JSON)
        assert (call.name, call.arguments, call.whole) == ("", CALL[:at], False)
    [mangled] = calls_in('{"thought": "x", "command": {5}}', THOUGHT_JSON)
    assert (mangled.name, mangled.whole) == ("", True)


def test_other_objects_are_released_at_once() -> None:
    for text in ('{"na', "{ x", "{\n  'a"):
        assert "".join(event.raw for event in decoder_for(grammar((THOUGHT_JSON,), TOOLS)).feed(text)) == text


PIECES = st.sampled_from(['{"thought": "', '"command"', ": ", '"', "{", "}", "\\", "\n", "x", ",", '{"name": "edit"}', "[", "]"])


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=20).map("".join))
def test_cuts_do_not_matter(text: str) -> None:
    events_of(text, THOUGHT_JSON)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=2), max_leaves=4
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=3), st.sampled_from(["edit", "bash", 'a"b']))
def test_it_reads_what_it_writes(arguments: dict[str, Any], name: str) -> None:
    calls = (ToolCall("", name, arguments), MADE)
    decoder = decoder_for(grammar((THOUGHT_JSON,), TOOLS))
    events = [*decoder.feed(f"So:\n{THOUGHT_JSON.render(calls)}"), *decoder.finish()]
    assert tuple(event.call for event in events if isinstance(event, Call)) == calls


def test_what_is_no_json_is_not_written() -> None:
    for arguments in ("text", {"a": float("nan")}, {"a": 10**5000}):
        with pytest.raises(Unwritable):
            THOUGHT_JSON.render((ToolCall("", "edit", arguments),))  # type: ignore[arg-type] - one is no JSON at all
    assert '{"thought": "", "command": {"name": "bash"' in THOUGHT_JSON.describe(TOOLS)


@pytest.mark.parametrize("unit", ["{", '{"thought": "', '"', "\\", "{[", '{"thought": {', "x"])
def test_time_is_linear(unit: str) -> None:
    for head in ("", '{"thought": "'):
        assert decodes_linearly((THOUGHT_JSON,), unit, head, size=10_000)
