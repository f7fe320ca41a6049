"""The Harmony dialect: channels, recipients in either place, and what is left without the special tokens."""

from __future__ import annotations

import pytest

from adapters.base import Markup, Thinking
from adapters.decoding import Opened, decode
from adapters.grammar import grammar
from adapters.models.harmony import HARMONY, render
from rules.conversation import ToolCall, ToolSpec
from tests.adapters.models.cut_decoding import calls_among, decode_alike, in_two, text_among

TOOLS = (ToolSpec("run", "", {"type": "object", "properties": {"a": {"type": "string"}}}),)
USING = grammar((HARMONY,), TOOLS)
GOOD = ToolCall("", "run", {"a": "x"})
WRITTEN = render((GOOD,))


def seen(text: str, opened: Opened = "no") -> tuple[str, str, list[ToolCall]]:
    """Return text, thought and calls, having checked that no single cut matters."""
    events = decode_alike(text, USING, in_two(text), opened)
    visible = text_among(events)
    thought = "".join(event.text for event in events if isinstance(event, Thinking))
    return visible, thought, calls_among(events)


@pytest.mark.parametrize(
    "text",
    [
        WRITTEN,
        '<|channel|>commentary to=functions.run<|message|>{"a": "x"}<|call|>',
        '<|channel|>commentary to=run code<|message|>{"a": "x"}<|end|>',
        '<|start|>assistant to=functions.run<|channel|>commentary <|constrain|>json<|message|>{"a": "x"}<|call|>',
        'to=functions.run<|channel|>commentary json<|message|>{"a": "x"}<|call|>',
        '<|channel|>analysis to=functions.run code<|message|>\n{"a": "x"}\n<|call|>',
    ],
)
def test_a_call_is_found_wherever_its_recipient_stands(text: str) -> None:
    assert seen(text) == ("", "", [GOOD])


@pytest.mark.parametrize("opened", ["no", "maybe"])
@pytest.mark.parametrize("thought", ["", "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant"])
def test_commentary_to_nobody_is_a_visible_preamble(thought: str, opened: Opened) -> None:
    text = f"{thought}<|channel|>commentary<|message|>I will look.<|end|><|start|>assistant{WRITTEN}"
    assert seen(text, opened) == ("I will look.", "Hm." if thought else "", [GOOD])


@pytest.mark.parametrize("end", ["<|end|><|start|>assistant<|channel|>final<|message|>", "<|channel|>final<|message|>"])
def test_a_thought_ends_where_another_message_begins(end: str) -> None:
    assert seen(f"<|channel|>analysis<|message|>Hm.{end}Yes.<|return|>") == ("Yes.", "Hm.", [])


def test_a_call_behind_an_open_thought_is_made() -> None:
    assert seen(f"<|channel|>analysis<|message|>Hm.<|start|>assistant{WRITTEN}") == ("", "Hm.", [GOOD])


@pytest.mark.parametrize(
    "behind",
    [
        "<|start|>assistant<|channel|>final<|message|>It is 42.<|return|>",
        "<|start|>functions.run to=assistant<|channel|>commentary<|message|>42<|end|>It is 42.",
    ],
)
def test_an_invented_result_is_dropped(behind: str) -> None:
    assert seen(WRITTEN + behind) == ("", "", [GOOD])


def test_what_stands_behind_the_end_of_the_turn_is_dropped() -> None:
    assert seen("<|channel|>final<|message|>Yes.<|return|><|start|>user<|message|>Thanks")[0] == "Yes."


def test_the_header_of_a_structured_answer_reaches_nobody() -> None:
    assert seen('<|channel|>final <|constrain|>json<|message|>{"name": "run"}<|return|>') == ('{"name": "run"}', "", [])


@pytest.mark.parametrize(
    "text",
    [
        "We use <|channel|> markers",
        "It says to=functions.run there",
        "A <|message|> ends the header",
        "Send it to=functions.run{}",
    ],
)
def test_prose_is_text(text: str) -> None:
    assert seen(text) == (text, "", [])


def test_a_cut_header_reaches_nobody() -> None:
    assert decode("<|channel|>comm", USING) == [Markup("<|channel|>comm")]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("analysisThey ask for a digit.assistantfinal5", ("5", "They ask for a digit.", [])),
        ('analysisI look.assistantcommentary to=functions.run json{"a": "x"}', ("", "I look.", [GOOD])),
        ('analysisI look.assistantanalysis to=functions.run code{"a": "x"}', ("", "I look.", [GOOD])),
        ('commentary to=functions.run json{"a": "x"}assistantfinalIt is 42.', ("", "", [GOOD])),
        ('commentary to=run json{"a": "x"}', ("", "", [GOOD])),
        ("analysis用户说你好assistantfinal你好", ("你好", "用户说你好", [])),
    ],
)
def test_without_the_special_tokens_the_channels_are_told_by_their_words(
    text: str, result: tuple[str, str, list[ToolCall]]
) -> None:
    assert seen(text) == result


@pytest.mark.parametrize(
    "text",
    [
        "analysis of this assistantfinal",
        "analysisResult = compute()\nprint(analysisResult)",
        "analysis: It is fine.",
        "My analysisIs done.assistantfinalYes",
        "commentary to=the reader",
        'A commentary to=functions.run json{"a": "x"}',
    ],
)
def test_words_of_channels_in_prose_are_text(text: str) -> None:
    assert seen(text) == (text, "", [])
