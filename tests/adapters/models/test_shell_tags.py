"""Commands between tags: where they end, what is quoted, what is invented, what cannot be written, in every cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Dialect, Text, Unwritable
from adapters.decoding import decoder_for
from adapters.grammar import grammar
from adapters.models.shell_tags import COMMAND_TAG, MSWEA_TAG
from rules.conversation import ToolCall
from tests.adapters.models.corpus_cases import decodes_linearly
from tests.adapters.models.cut_decoding import calls_among, text_among
from tests.adapters.models.shell_cases import BASH, EDIT, TOOLS, calls_in, events_of, runs

BOTH = pytest.mark.parametrize("dialect", [MSWEA_TAG, COMMAND_TAG], ids=["mswea_tag", "command_tag"])
TAG = {"mswea_tag": "mswea_bash_command", "command_tag": "command"}


def tagged(dialect: Dialect, command: str) -> str:
    tag = TAG[dialect.name]
    return f"<{tag}>{command}</{tag}>"


@BOTH
@pytest.mark.parametrize("frame", ["{}", "\n{}\n", "\n{}"])
def test_a_command_is_what_stands_between_its_tags(dialect: Dialect, frame: str) -> None:
    for command in ("ls -la", "  a\n\n\tb", "cat > a.md <<EOF\n```sh\nls\n```\nEOF", "grep '<b>' x < y", "\nls\n"):
        block = tagged(dialect, f"\n{command}\n" if command.startswith("\n") else frame.format(command))
        for text in (block, f"DISCUSSION\nI look.\n{block}", f"{block}\nThen I wait."):
            assert calls_in(text, dialect) == [runs(command)]
        assert text_among(events_of(f"I look.\n{block}\nThen I wait.", dialect)).split() == ["I", "look.", "Then", "I", "wait."]


@BOTH
def test_the_last_closing_tag_counts(dialect: Dialect) -> None:
    tag = TAG[dialect.name]
    for command in (f"echo '</{tag}>' > x", f"cat > x <<EOF\n<{tag}>ls</{tag}>\n<{tag}>pwd</{tag}>\nEOF", f"grep '<{tag}>' x"):
        for text in (tagged(dialect, command), f"So:\n{tagged(dialect, command)}\nThen I wait."):
            assert calls_in(text, dialect) == [runs(command)]


@BOTH
def test_the_next_command_or_a_result_ends_it(dialect: Dialect) -> None:
    one, two = tagged(dialect, "ls"), tagged(dialect, "\npwd\n")
    assert calls_in(f"{one}\n{two}", dialect) == [runs("ls"), runs("pwd")]
    for marker in ("<returncode>0</returncode>", "<output>", "OBSERVATION:", "Observation:"):
        text = f"I look.\n{one}\n{marker}\nmade up {two}"
        assert calls_in(text, dialect) == [runs("ls")]
        assert text_among(events_of(text, dialect)).strip() == "I look."


@BOTH
def test_without_its_closing_tag_it_is_not_whole(dialect: Dialect) -> None:
    opener = f"<{TAG[dialect.name]}>"
    for text in ("\nls -la", "ls -la\n", "ls -la<|im_end|>"):
        assert calls_in(opener + text, dialect) == [runs("ls -la", whole=False)]


@BOTH
@pytest.mark.parametrize("around", ["The {} tag is for commands.", "Write `{}`.", "```\n{}\n```", "> {}", "So {}"])
def test_a_tag_that_is_spoken_of_is_text(dialect: Dialect, around: str) -> None:
    text = around.format(f"<{TAG[dialect.name]}>")
    assert events_of(text, dialect) == [Text(text)]


@BOTH
def test_nothing_to_run_and_nobody_to_run_it(dialect: Dialect) -> None:
    assert calls_in(tagged(dialect, " \n "), dialect) == []
    for tools in ((), (EDIT,), (BASH, BASH)):
        assert calls_in(tagged(dialect, "ls"), dialect, tools=tools) == []


def test_a_closed_tag_counts_within_a_line_as_it_does_for_the_clients() -> None:
    assert calls_in(f"I look: {tagged(MSWEA_TAG, 'ls')}", MSWEA_TAG) == [runs("ls")]
    assert calls_in(f"I look: {tagged(COMMAND_TAG, 'ls')}", COMMAND_TAG) == [runs("ls")]
    assert calls_in(f"I look: `{tagged(COMMAND_TAG, 'ls').replace(chr(10), '')}`", COMMAND_TAG) == []
    assert (MSWEA_TAG.asked, COMMAND_TAG.asked) == (False, True)


PIECES = st.sampled_from(
    ["<command>", "</command>", "<mswea_bash_command>", "</mswea_bash_command>", "\n", " ", "ls", "<output>", "<", "`"]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=20).map("".join))
def test_cuts_do_not_matter(text: str) -> None:
    events_of(text, MSWEA_TAG, COMMAND_TAG)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.lists(PIECES, max_size=8).map("".join), min_size=1, max_size=2), st.sampled_from([MSWEA_TAG, COMMAND_TAG]))
def test_it_reads_what_it_writes(commands: list[str], dialect: Dialect) -> None:
    calls = [runs(command) for command in commands]
    try:
        text = dialect.render(calls)
    except Unwritable:
        return
    for behind in ("", "\nI wait."):
        decoder = decoder_for(grammar((dialect,), TOOLS))
        events = [*decoder.feed(text + behind), *decoder.finish()]
        assert calls_among(events) == calls


@BOTH
def test_what_the_tags_carry_is_written(dialect: Dialect) -> None:
    tag = TAG[dialect.name]
    for command in ("ls", f"echo '</{tag}>'", "\nls\n", f"cat <<EOF\n<{tag}>x</{tag}>\nEOF"):
        assert calls_in(dialect.render((runs(command),)), dialect) == [runs(command)]
    for command in (f"<{tag}>", f"a\n</{tag}>\n<{tag}>\nb", f"a\n</{tag}>\n<output>\nb", " "):
        with pytest.raises(Unwritable):
            dialect.render((runs(command),))
    with pytest.raises(Unwritable):
        dialect.render((ToolCall("", "edit", {"path": "/a"}),))
    assert "ls -la" in dialect.describe(TOOLS)


@BOTH
@pytest.mark.parametrize(
    "unit", ["<command>", "</command>\n", "<mswea_bash_command>", "x</mswea_bash_command>", "\n", "<", "a<output>\n"]
)
def test_time_is_linear(dialect: Dialect, unit: str) -> None:
    assert decodes_linearly((dialect,), unit, f"<{TAG[dialect.name]}>", size=10_000)
