"""The laws that every registered dialect keeps, present and future."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Call, Dialect, Event, Text, Unwritable
from adapters.decoding import Opened, decoder_for
from adapters.events import merge
from adapters.grammar import Grammar, grammar
from adapters.registry import DIALECTS
from adapters.turns import TurnBuilder
from rules.base import repair
from rules.conversation import Conversation, ToolCall, Tools, ToolSpec, Turn
from rules.registry import RULES
from tests.laws.tools import TOOLS
from tests.linear import grows_linearly

CORPUS = Path(__file__).parents[1] / "corpus"
CASES: list[dict[str, Any]] = [
    json.loads(line) for file in sorted(CORPUS.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()
]
SHELL_CALL = ToolCall("", "bash", {"command": "ls"})
SAMPLE = ToolCall("", "edit_file", {"path": "/a", "line": 1})
COMMON = [
    "<tool_call>", "</tool_call>", "<function=edit_file>", "<parameter=path>", "</parameter>", "</function>", "{", "}", "[", "]", "(", ")",
    '{"name": "edit_file", "arguments": {', "}}", '"', "'", "\\", "<think>", "</think>", "```", "```json\n", "`", "\n", " ", "a", "path",
    "edit_file", ":", ",", "=", "<", ">", "é", "😀", "BEGIN_ARG:\n",
]  # fmt: skip

every_dialect = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS.keys())


def written(dialect: Dialect, *calls: ToolCall) -> str:
    """Write calls, each as far as the dialect carries it."""
    try:
        return dialect.render(calls)
    except Unwritable:
        return ""


def markup_of(dialect: Dialect) -> list[str]:
    """List what a dialect's texts are made of: its markers, and the pieces of two calls as it writes them."""
    alone = grammar([dialect], TOOLS)
    pieces = re.findall(r"\w+|[^\w\s]+|\s+", written(dialect, SAMPLE, SAMPLE))
    return sorted({*alone.forms, *alone.thoughts, *alone.closers, *alone.stray, *alone.ends, *alone.results, *pieces, *COMMON})


def tools_of(case: dict[str, Any]) -> Tools:
    functions = (tool["function"] for tool in case["tools"])
    return tuple(ToolSpec(each["name"], "", each.get("parameters", {})) for each in functions)


def as_in_a_profile(dialect: Dialect, tools: Tools) -> Grammar:
    """Read a dialect first, and behind it what most models drift into."""
    return grammar(list(dict.fromkeys((dialect, *(DIALECTS[name] for name in ("hermes_json", "qwen_xml", "gemma4"))))), tools)


GRAMMARS = {name: as_in_a_profile(dialect, TOOLS) for name, dialect in DIALECTS.items()}
MARKUP = {name: markup_of(dialect) for name, dialect in DIALECTS.items()}


def decode(dialect: Dialect, tools: Tools | Grammar, pieces: list[str], opened: Opened = "no") -> list[Event]:
    if isinstance(tools, tuple):
        tools = GRAMMARS[dialect.name] if tools is TOOLS else as_in_a_profile(dialect, tools)
    decoder = decoder_for(tools, opened)
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return merge([*events, *decoder.finish()])


def pieces_of(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


@every_dialect
def test_cuts_do_not_matter_and_nothing_is_lost(dialect: Dialect) -> None:
    """Texts of all other families, each eighth for each dialect; its own are cut everywhere where the corpus is judged."""
    for case in CASES[list(DIALECTS).index(dialect.name) % 8 :: 8]:
        raw, tools = case["raw"], grammar([dialect], tools_of(case))
        opened: Opened = "yes" if case.get("prompt_open_thinking") else "no"
        whole = decode(dialect, tools, [raw], opened)
        assert "".join(event.raw for event in whole) == raw
        cuts = random.Random(case["id"]).sample(range(1, len(raw)), min(6, len(raw) - 1)) if len(raw) > 1 else []
        for pieces in [*(pieces_of(raw, size) for size in (1, 3, 7, 31)), *([raw[:cut], raw[cut:]] for cut in cuts)]:
            assert decode(dialect, tools, pieces, opened) == whole, case["id"]


EVERY = grammar([dialect for dialect in DIALECTS.values() if not dialect.asked], TOOLS)
MARKS = sorted(set().union(*map(markup_of, DIALECTS.values())))


@settings(max_examples=150, deadline=None)
@given(
    pieces=st.lists(st.one_of(st.sampled_from(MARKS), st.text(max_size=8)), max_size=30),
    opened=st.sampled_from(["no", "yes", "maybe"]),
)
def test_cuts_do_not_matter_to_all_dialects_together(pieces: list[str], opened: Opened) -> None:
    text = "".join(pieces)
    whole = decode(DIALECTS["gemma4"], EVERY, [text], opened)
    assert "".join(event.raw for event in whole) == text
    assert decode(DIALECTS["gemma4"], EVERY, list(text), opened) == whole
    assert decode(DIALECTS["gemma4"], EVERY, pieces, opened) == whole


@every_dialect
@settings(max_examples=100, deadline=None)
@given(data=st.data(), opened=st.sampled_from(["no", "yes", "likely", "maybe"]))
def test_no_text_breaks_a_decoder_at_any_single_cut(dialect: Dialect, data: st.DataObject, opened: Opened) -> None:
    pieces = st.one_of(st.sampled_from(MARKUP[dialect.name]), st.text(max_size=8))
    text = "".join(data.draw(st.lists(pieces, max_size=40)))
    whole = decode(dialect, TOOLS, [text], opened)
    assert "".join(event.raw for event in whole) == text
    assert decode(dialect, TOOLS, list(text), opened) == whole
    for cut in range(1, len(text)):
        assert decode(dialect, TOOLS, [text[:cut], text[cut:]], opened) == whole


@every_dialect
def test_a_decoy_is_never_a_call(dialect: Dialect) -> None:
    for case in (case for case in CASES if case["fault"] == "decoy"):
        opened: Opened = "yes" if case.get("prompt_open_thinking") else "no"
        calls = [event.call for event in decode(dialect, tools_of(case), [case["raw"]], opened) if isinstance(event, Call)]
        within = Conversation(tools_of(case))
        verdict = repair(Turn("assistant", calls=tuple(calls)), within, RULES, trap=False)
        delivered = verdict.turn.calls if verdict.problem is None and within.tools else ()
        assert len(delivered) <= len(case["expect"]["calls"]), case["id"]


@every_dialect
def test_quoted_calls_stay_text(dialect: Dialect) -> None:
    block = written(dialect, ToolCall("", "edit_file", {"path": "/a"})) or written(dialect, SHELL_CALL)
    for text in (
        f"Write it so:\n```\n{block}\n```\nand no other way.",
        f"A call begins `{block}` like this.",
        f"A call begins `` `{block}` `` like this.",
    ):
        assert decode(dialect, TOOLS, [text]) == [Text(text)]


values = st.one_of(
    st.text(max_size=30), st.sampled_from(["x\n", "\nx", 'say "hi"', "a</b>", "{}", "[1]", "true", "5", "null", "'q'", "a,b:c"])
)
arguments = st.fixed_dictionaries(
    {"path": values},
    optional={
        "text": values,
        "line": st.integers(-(2**70), 2**70),
        "ratio": st.floats(allow_nan=False, allow_infinity=False, width=32),
        "force": st.booleans(),
        "tags": st.lists(values, max_size=3),
        "options": st.fixed_dictionaries({"depth": st.integers(0, 9)}),
    },
)


@every_dialect
@settings(max_examples=200, deadline=None)
@given(given_arguments=st.lists(arguments, min_size=1, max_size=2), prose=st.sampled_from(["", "I will edit it."]))
def test_it_reads_what_it_writes(dialect: Dialect, given_arguments: list[dict[str, Any]], prose: str) -> None:
    calls = tuple(ToolCall("", "edit_file", each) for each in given_arguments)
    try:
        blocks = dialect.render(calls)
    except Unwritable:
        return
    builder = TurnBuilder()
    builder.take(decode(dialect, TOOLS, [f"{prose}\n{blocks}" if prose else blocks]))
    _, turn = builder.finish("stop")
    within = Conversation(TOOLS)
    mended = repair(turn, within, [rule for rule in RULES if rule.name != "collapse_duplicates"], trap=False)
    assert mended.problem is None
    assert (mended.turn.text, mended.turn.calls) == (prose, calls)


@every_dialect
def test_text_is_not_held_back(dialect: Dialect) -> None:
    decoder = decoder_for(grammar([dialect], TOOLS))
    for piece in ("Plain words, ", "1 < 2 and 3 > 2, ", "a <div> and <tool", "box> too, {braces} "):
        events = decoder.feed(piece)
        assert events, piece
    assert decoder.feed("more")


HOSTILE = [
    '"',
    "\\",
    "{[",
    "`",
    "```\n",
    "```json\n{",
    '{"name": "edit_file", "arguments": {',
    '<tool_call>{"a": "x"y"}</tool_call> foo ',
]


def hostile(dialect: Dialect) -> list[str]:
    """List what to repeat: each marker, and a call that is never finished, broken off at several places."""
    block = written(dialect, SAMPLE)
    begun = [block[:at] for at in range(len(block) // 6 + 1, len(block), len(block) // 6 + 1)]
    return [*HOSTILE, *(each for each in MARKUP[dialect.name] if len(each) > 3), *begun, f"{block} foo "]


@every_dialect
def test_time_is_linear(dialect: Dialect) -> None:
    alone = grammar([dialect], TOOLS)
    for unit in hostile(dialect):
        assert grows_linearly(lambda text: decode(dialect, alone, [text]), lambda size: unit * (size // len(unit)), 8_000), unit  # noqa: B023
