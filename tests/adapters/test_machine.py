"""What the marker machine offers to dialects: several closers, words as markers, forms that only begin a turn, their thoughts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pytest

from adapters.base import Call, Dialect, Form, Thinking
from adapters.block import Block
from adapters.decoding import Opened, decode, decoder_for
from adapters.events import merge
from adapters.grammar import grammar
from adapters.lexer import NESTED, Markers
from adapters.prose import Prose
from rules.conversation import ToolCall, Tools


class LineScan:
    """A block ends with its line."""

    def __init__(self, tools: Tools) -> None:
        del tools
        self._seen = 0

    def feed(self, piece: str) -> int | Literal["no"] | None:
        end = piece.find("\n")
        if end >= 0:
            return self._seen + end
        self._seen += len(piece)
        return None

    def finish(self) -> int | Literal["no"]:
        return self._seen


def reads(block: str, tools: Tools) -> tuple[ToolCall, ...] | None:
    del tools
    return (ToolCall("", block.partition(":")[2].strip(), {}),)


def labelled(block: str) -> str:
    return block.partition(" because ")[2]


WORDS = Dialect(
    name="words",
    forms=lambda tools: (
        Form("Action:", LineScan, reads, line_start=True),
        Form("Do:", LineScan, reads, line_start=True),
        Form("Begin:", LineScan, reads, line_start=True, first=True),
        Form("<do>:", LineScan, reads, thought=labelled),
    ),
    render=lambda calls: "",
    describe=lambda tools: "",
    result=lambda name, text: text,
    thinking=(
        ("Thought:", "Action:"),
        ("Thought:", "Final:"),
        ("Thought:", "**Bold:**"),
        ("<t>", "</t>"),
        ("<t>", "</x:t>"),
    ),
    results=("Observation:",),
)


def seen(text: str) -> tuple[str, str, list[str]]:
    using = grammar((WORDS,), ())
    events = decode(text, using)
    for size in (1, 2, 3, 5):
        decoder = decoder_for(using)
        pieces = [event for at in range(0, len(text), size) for event in decoder.feed(text[at : at + size])]
        assert merge([*pieces, *decoder.finish()]) == events
    assert "".join(event.raw for event in events) == text
    prose = Prose()
    visible = "".join(map(prose.feed, events)) + prose.finish()
    thought = "".join(event.text for event in events if isinstance(event, Thinking)).strip()
    return visible, thought, [event.call.name for event in events if isinstance(event, Call)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Thought: hm\nAction: ls\nObservation: made up", ("", "hm", ["ls"])),
        ("Thought: the next Action: is unclear\nAction: ls", ("", "the next Action: is unclear", ["ls"])),
        ("Thought: done\nFinal: four", ("four", "done", [])),
        ("Thought: the Final: word\nFinal: four", ("four", "the Final: word", [])),
        ("Begin: ls with **Bold:** words\n**Bold:** four", ("four", "", ["ls with **Bold:** words"])),
        (
            "My Thought: is free. The Final: word. No Action: here.",
            ("My Thought: is free. The Final: word. No Action: here.", "", []),
        ),
        ("<t>one</t>two", ("two", "one", [])),
        ("<t>one</x:t>two", ("two", "one", [])),
        ("Begin: ls", ("", "", ["ls"])),
        ("Words.\nBegin: ls", ("Words.\nBegin: ls", "", [])),
        ("<t>hm</t>\nBegin: ls", ("", "hm", ["ls"])),
        ("<t>hm\nDo: ls", ("", "hm", ["ls"])),
        ("<t>hm\nDo: ls\nor not</t>\nNo.", ("No.", "hm\nDo: ls\nor not", [])),
        ("<t>then Do: ls", ("", "then Do: ls", [])),
        ("<do>: ls because it helps", ("", "it helps", ["ls because it helps"])),
    ],
)
def test_markers_mean_what_their_dialect_says(text: str, told: tuple[str, str, list[str]]) -> None:
    assert seen(text) == told


@pytest.mark.parametrize("opened", ["yes", "likely"])
def test_a_thought_that_the_prompt_opened_ends_where_the_call_begins(opened: Opened) -> None:
    events = decode(" I need Action: or\nAction: ls\n", grammar((WORDS,), ()), opened)
    assert events[0] == Thinking(" I need Action: or\n", " I need Action: or\n")
    assert [event.call.name for event in events if isinstance(event, Call)] == ["ls"]


def test_a_call_whose_opener_ends_thoughts_is_read_where_nobody_knows_what_the_prompt_opened() -> None:
    events = decode("I need it.\nAction: ls\n", grammar((WORDS,), ()), "maybe")
    assert [event.call.name for event in events if isinstance(event, Call)] == ["ls"]


class Fixed:
    """Answers once, and may not be asked again."""

    def __init__(self, *answers: int | Literal["no"] | None) -> None:
        self._answers = list(answers)

    def feed(self, piece: str) -> int | Literal["no"] | None:
        del piece
        return self._answers.pop(0)

    def finish(self) -> int | Literal["no"]:
        return self._answers.pop(0) or "no"


@pytest.mark.parametrize(
    ("scans", "answers"),
    [
        (((None, "no"), (3,)), [None, 3]),  # the second form knew before the first one gave up
        (((None, 5), (3,)), [None, 5]),
        ((("no",), (None, None, 4)), [None, None, 4]),
        ((("no",), ("no",)), ["no"]),
    ],
)
def test_the_first_form_that_is_possible_decides(
    scans: Sequence[Sequence[int | Literal["no"] | None]], answers: list[object]
) -> None:
    made = iter([Fixed(*each) for each in scans])
    block = Block([Form("x", lambda tools: next(made), reads) for _ in scans], ())
    for answer in answers:
        told = block.feed("x")
        assert (told[1] if isinstance(told, tuple) else told) == answer


def test_the_longest_of_many_markers_wins() -> None:
    deep = ["a" * length for length in range(1, 3 * NESTED)]
    markers = Markers(["<b>", "<b>x", "<big>", "[C]", *deep])
    assert markers.split("-<b>xy-").marker == "<b>x"
    assert markers.split("-<bi", final=True).marker == ""
    assert markers.split("-<big>").marker == "<big>"
    assert markers.split(".*[C]").before == ".*"
    assert markers.split("-" + "a" * 50 + "-").marker == "a" * 50
    assert Markers([]).split("abc") == ("abc", "", "", "")
