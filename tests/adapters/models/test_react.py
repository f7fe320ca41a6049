"""ReAct: thoughts, actions and inputs in their many shapes, what is invented, what is cut, what is prose, in every cut."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Call, Event, Text, Thinking, Unwritable
from adapters.decoding import Opened, decoder_for
from adapters.grammar import grammar
from adapters.models.react import REACT
from adapters.models.react_scan import THOUGHTS
from rules.base import repair
from rules.conversation import Conversation, ToolCall, Tools, ToolSpec, Turn
from rules.registry import RULES
from tests.adapters.models.corpus_cases import decodes_linearly
from tests.adapters.models.cut_decoding import calls_among, decode_alike, in_every_way, text_among

TOOLS: Tools = (
    ToolSpec("search", "", {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}),
    ToolSpec("stop", "", {"type": "object", "properties": {}}),
    ToolSpec("edit-file", "", {"type": "object", "properties": {"path": {"type": "string"}, "line": {"type": "integer"}}}),
)
MOONS = ToolCall("", "search", {"query": "moons"})


def events_of(text: str, opened: Opened = "no") -> list[Event]:
    """Decode a text whole, and see that no cut changes that."""
    return decode_alike(text, grammar((REACT,), TOOLS), in_every_way(text), opened)


def calls_in(text: str, opened: Opened = "no") -> list[ToolCall]:
    return calls_among(events_of(text, opened))


def mended(text: str) -> tuple[str, list[ToolCall]]:
    """Return the reason why the calls of a text are refused, if they are, and the calls as they would be run at its end."""
    verdict = repair(Turn("assistant", calls=tuple(calls_in(text))), Conversation(TOOLS), RULES, trap=False)
    return verdict.problem.reason if verdict.problem else "", [replace(call, whole=True) for call in verdict.turn.calls]


def thought_in(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Thinking)).strip()


def visible(events: list[Event]) -> str:
    return text_among(events).strip()


@pytest.mark.parametrize(
    "action",
    [
        'Action: search\nAction Input: {"query": "moons"}',
        'Action: search\nAction Input:\n{\n  "query": "moons"\n}\n',
        'Action: `search`\n\nAction Input: ```json\n{"query": "moons"}\n```',
        "Action: search\nAction Input: moons",
        'Action: search\nAction Input: "moons"',
        "Action: search\nInput: 'moons'\n",
        "Action: search\nAction Input:\n```\nmoons\n```",
        "Action: search[moons]",
        'Action: search(query="moons")',
        'Action:\n```json\n{"action": "search", "action_input": {"query": "moons"}}\n```',
        'Action: {"action": "search", "action_input": "moons"}',
        'Action:\nsearch\nAction Input: {"query": "moons"}',
        '## action:\nsearch\n## action input:\n{"query": "moons"}',
        '**Action:** search\n**Action Input:** {"query": "moons"}',
        '**Action:** search\n**Action Input:** {"query": "moons"} Now.',
        '**Action**: Search\n**Action Input**: {"query": "moons"}',
        '## Action:\n<action>\n<tool_name>search</tool_name>\n<arguments><arg key="query">moons</arg></arguments>\n</action>',
        'Action: <action><tool_name>search</tool_name><arguments>{"query": "moons"}</arguments></action>',
        "Action: search\nAction Input: {'query': 'moons'}",
    ],
)
def test_an_action_is_read_in_all_its_shapes(action: str) -> None:
    for text in (f"Thought: I look (Action: later).\n{action}", f"Thought: I look (Action: later).\n\n{action}\nObservation: 14"):
        events = events_of(text)
        assert thought_in(events) == "I look (Action: later)."
        assert visible(events).removeprefix("Now.") == ""
        assert mended(text) == ("", [MOONS])
    assert mended(f"I look.\n{action}") == ("", [MOONS])
    assert visible(events_of(f"I look.\n{action}")).split()[:2] == ["I", "look."]


@pytest.mark.parametrize("thought", THOUGHTS)
@pytest.mark.parametrize("final", ["Final Answer:", "## Final Answer:", "**Final Answer:**", "## final answer:"])
def test_a_final_answer_is_text(thought: str, final: str) -> None:
    events = events_of(f"{thought} I know the Final Answer: now.\n{final} It is 14.\nThat is all.")
    assert (thought_in(events), visible(events)) == ("I know the Final Answer: now.", "It is 14.\nThat is all.")
    assert visible(events_of(f"{final} It is 14.")) == "It is 14."


def test_what_is_invented_behind_an_action_is_dropped() -> None:
    action = 'Action: search\nAction Input: {"query": "moons"}'
    for behind in (
        "Observation: 14\nThought: so\nAction: stop",
        "Final Answer: 14",
        "\n## observation:\n14",
        "**Observation:** 14",
    ):
        events = events_of(f"{action}\n{behind}")
        assert calls_among(events) == [MOONS]
        assert visible(events) == thought_in(events) == ""
    assert [call.name for call in calls_in(f"{action}\nAction: stop\n")] == ["search", "stop"]


@pytest.mark.parametrize(
    "text",
    [
        "The loop prints Action: and then Action Input: lines.",
        "Action: we should buy milk.",
        "Action: required",
        "Action: search the web for moons",
        "Action: search [moons] now",
        "Action: unknown[moons]",
        "Action: search(query) finds moons",
        "Action: <b>now</b>",
        "Action:",
        "Action: " + "x" * 200,
        'Action: {"action": "Final Answer", "action_input": "14"}',
        'Action: {"steps": 3}\nAnd more.',
        "`Action: search`\n",
        "```\nAction: search\nAction Input: moons\n```",
        "> Action: search\n",
        "My Thought: it is fine.\nThe Final Answer: 14",
    ],
)
def test_prose_is_text(text: str) -> None:
    assert events_of(text) == [Text(text)]


@pytest.mark.parametrize("none", ["N/A", "None", "n/a.", "No action", "none\nAction Input: none", "N/A\nAction Input: {}"])
def test_no_action_is_none(none: str) -> None:
    events = events_of(f"Thought: nothing fits.\nAction: {none}\n")
    assert (thought_in(events), visible(events)) == ("nothing fits.", "")
    assert not any(isinstance(event, Call) for event in events)
    assert visible(events_of(f"Action: {none}\nFinal Answer: 14")) == "14"


def test_an_action_without_input_is_one_of_a_declared_tool() -> None:
    for text in (
        "Action: stop\n\nObservation: done",
        "Action: stop\nAction Input:\n\nObservation: x",
        "Action: stop\nAction Input: None\n",
    ):
        assert mended(text)[1] == [ToolCall("", "stop", {})]
    assert [call.whole for call in calls_in("Action: stop")] == [False]
    assert [(call.name, call.arguments) for call in calls_in("Action: unknown\nAction Input: x\n")] == [("unknown", '"x"')]


def test_what_is_cut_is_not_whole() -> None:
    for text in ("moo", "moons", '{"query": "moo', '{"query": "moons"', '"moo', "```\nmoo", "{'query': 'mo"):
        [call] = calls_in(f"Action: search\nAction Input: {text}")
        assert call.whole is False, text
    for text in ('{"query": "moons"}', '"moons"', "```\nmoons\n```", "moons\nObservation: 14"):
        [call] = calls_in(f"Action: search\nAction Input: {text}")
        assert call.whole is True, text
    [blob] = calls_in('Action:\n```json\n{"action": "search", "action_input": {"que')
    assert (blob.name, blob.whole) == ("", False)
    [xml] = calls_in('Action: <action><tool_name>search</tool_name><arguments><arg key="query">moo')
    assert (xml.name, xml.whole, isinstance(xml.arguments, str)) == ("search", False, True)
    assert calls_in("Action: search\nAction Input: moons<|im_end|>")[0].arguments == '"moons"'


def test_words_inside_an_input_are_data() -> None:
    for value in ("a\\nAction: stop", "Observation: {}", "} Final Answer:", "it's `Action:`"):
        text = f'Action: search\nAction Input: {{"query": "{value}"}}\nDone.'
        assert calls_in(text)[0].arguments == {"query": value.replace("\\n", "\n")}
    code = "Action: search\nAction Input:\n```python\nObservation: x\nAction: y\n```\n"
    assert calls_in(code)[0].arguments == '"Observation: x\\nAction: y"'
    assert mended('Action: search\nAction Input: {"query": "a\nAction: b"}')[1][0].arguments == {"query": "a\nAction: b"}


def test_an_object_that_lacks_its_brace_is_mended_where_something_ended_it() -> None:
    assert mended('Action: search\nAction Input: {"query": "moons"\nObservation: 14') == ("", [MOONS])
    assert mended('Action: search\nAction Input: {"query": "moons\nObservation: 14')[0] != ""


def test_a_thought_that_the_prompt_opened() -> None:
    text = ' I need it.\nAction: search\nAction Input: {"query": "moons"}\nObservation: 14'
    for opened in ("yes", "likely"):
        assert thought_in(events_of(text, opened)) == "I need it."
        assert calls_in(text, opened) == [MOONS]
    assert calls_in(text, "maybe") == [MOONS]
    assert visible(events_of(" I know.\nFinal Answer: 14", "yes")) == "14"


def test_xml_that_cannot_be_read_is_not_run() -> None:
    head, tail = "Action: <action><tool_name>search</tool_name>", "</action>"
    for body in (
        '<arguments><arg key="query">moons</arg>',
        '<arguments><arg key="query">moons</arguments>',
        '<arguments><arg key="query">a</arg><arg key="query">b</arg></arguments>',
        "<arguments>moons</arguments>",
        "<more>x</more>",
    ):
        [call] = calls_in(f"{head}{body}{tail}")
        assert isinstance(call.arguments, str), body
    assert calls_in(f"Action: <action>search{tail}") == [ToolCall("", "", f"search{tail}")]
    assert calls_in(f"{head}{tail}") == [ToolCall("", "search", {})]


PIECES = st.sampled_from(
    ["Thought:", "Action:", "Action Input:", "Observation:", "Final Answer:", "## action:", "\n", "\n", " ", "search", '{"query": "', '"}', "{", "}",
     "'", "\\", "```", "N/A", "<action>", "<tool_name>", "</action>", "[", "]", "(", "x", "input:", "**"]
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES, max_size=24).map("".join), st.sampled_from(["no", "yes", "likely", "maybe"]))
def test_cuts_do_not_matter(text: str, opened: Opened) -> None:
    events_of(text, opened)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=2), max_leaves=4
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=3))
def test_it_reads_what_it_writes(arguments: dict[str, Any]) -> None:
    calls = [ToolCall("", "edit-file", arguments), ToolCall("", "stop", {})]
    decoder = decoder_for(grammar((REACT,), TOOLS))
    events = [*decoder.feed(f"Thought: so\n{REACT.render(calls)}"), *decoder.finish()]
    assert calls_among(events) == calls


def test_what_would_not_be_read_so_is_not_written() -> None:
    for name, arguments in (
        ("search", "text"),
        ("search", {"a": float("nan")}),
        ("two words", {}),
        ("", {}),
        ("a\nb", {}),
    ):
        with pytest.raises(Unwritable):
            REACT.render((ToolCall("", name, arguments),))  # type: ignore[arg-type] - one is text
    assert 'Action: search\nAction Input: {"query": "the query"}' in REACT.describe(TOOLS)


@pytest.mark.parametrize(
    "head", ["", "Action: search\nAction Input: ", "Action: search\nAction Input: {", "Thought: ", "Action:"]
)
@pytest.mark.parametrize(
    "unit", ["Action:", "Action:\n", "Thought:\n", "Action: search\n", "{", '"', "\\", "```\n", "\n", " ", "x", "<action>"]
)
def test_time_is_linear(head: str, unit: str) -> None:
    assert decodes_linearly((REACT,), unit, head, size=10_000)
