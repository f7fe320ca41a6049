"""The marker machine: what is quoted, what is thought, what stands alone."""

from __future__ import annotations

import pytest

from adapters.base import Thinking
from adapters.decoding import Opened, decode, decoder_for
from adapters.events import merge
from adapters.grammar import Grammar, grammar
from adapters.prose import Prose
from adapters.registry import DIALECTS
from rules.conversation import ToolCall, ToolSpec
from tests.adapters.models.cut_decoding import calls_among

TOOL = ToolSpec("run", "", {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]})
GEMMA = '<|tool_call>call:run{command:<|"|>ls<|"|>}<tool_call|>'
HERMES = '<tool_call>\n{"name": "run", "arguments": {"command": "ls"}}\n</tool_call>'
USING: Grammar = grammar([each for each in DIALECTS.values() if not each.asked], (TOOL,), ("STOP",))


def seen(text: str, opened: Opened = "no") -> tuple[str, str, list[ToolCall]]:
    """Return text, thought and calls, having checked that the cuts do not matter."""
    events = decode(text, USING, opened)
    for size in (1, 2, 3, 7):
        decoder = decoder_for(USING, opened)
        pieces = [event for at in range(0, len(text), size) for event in decoder.feed(text[at : at + size])]
        assert merge([*pieces, *decoder.finish()]) == events
    prose = Prose()
    visible = "".join(map(prose.feed, events)) + prose.finish()
    thought = "".join(event.text for event in events if isinstance(event, Thinking))
    return visible, thought, calls_among(events)


@pytest.mark.parametrize("call", [GEMMA, HERMES])
@pytest.mark.parametrize(
    "around",
    [
        "`call it with {} here`", "`` {} ``", "~~~\n{}\n~~~\nand no other way.", "> {}\n", "1. Do:\n   ```\n   {}\n   ```\nso.",
        "```\n{}\n```\nas said.", "- ```text\n{}\n```\n", "````md\n```\n{}\n```\n````\n",
        "```\n```text\nx\n```\n{}\n```\nand no other way.",
    ],
)  # fmt: skip
def test_quoted_calls_are_text(around: str, call: str) -> None:
    text = around.format(call.replace("\n", " ") if "`" in around[:2] or around.startswith(">") else call)
    assert seen(text) == (text, "", [])


@pytest.mark.parametrize("call", [GEMMA, HERMES])
@pytest.mark.parametrize(
    "before",
    [
        "Let me look at `app.py`",
        "Run ```ls``` first. ",
        "```bash\nls\n```\n",
        "Both `a` and ``b`` ",
        "- item\n- ```sh\n  ls\n  ```\n",
        "It's done.\n",
    ],
)
def test_calls_behind_closed_quotes_are_calls(before: str, call: str) -> None:
    visible, _, calls = seen(before + call)
    assert [each.name for each in calls] == ["run"]
    assert visible.strip() == before.strip()


@pytest.mark.parametrize(
    "text",
    [
        "The tokenizer appends <eos> here.\nMore.", "| <eos> | 1 |\n| <pad> | 0 |\n", "Use ``<|im_end|>`` as the end.", "A <bos> and a <pad> b.",
        "Then the <tool_response> will show.", "The closer </tool_call> ends it.",
    ],
)  # fmt: skip
def test_markers_that_are_spoken_of_are_text(text: str) -> None:
    assert seen(text)[0] == text


@pytest.mark.parametrize("end", ["<eos>", "<turn|>", "<|im_end|>", " <eos> ", "<|im_end|>\n<|im_start|>user\nthanks"])
def test_an_end_ends_the_turn(end: str) -> None:
    assert seen(f"Done.{end}")[0].strip() == "Done."
    assert seen(f"Use `x`.{end}")[0].strip() == "Use `x`."


def test_stop_strings_end_the_turn_even_when_quoted() -> None:
    assert seen("```\ncode STOP more")[0] == "```\ncode "


def test_a_call_in_a_thought_that_the_text_cuts_is_not_whole() -> None:
    [call] = seen(f"I could call {GEMMA}", "yes")[2]
    assert not call.whole
    [made] = seen(f"I will call {GEMMA}<turn|>", "yes")[2]
    assert made.whole


@pytest.mark.parametrize("closer", ["</think>", "<channel|>"])
def test_a_closer_inside_an_argument_closes_no_thought(closer: str) -> None:
    text = GEMMA.replace("ls", f"print(t.split('{closer}')[-1])")
    visible, thought, [call] = seen(f"Let me see.{text}", "maybe")
    assert (visible, thought) == ("Let me see.", "")
    assert call.arguments == {"command": f"print(t.split('{closer}')[-1])"}


def test_a_thought_that_the_prompt_opened_is_found_at_its_closer() -> None:
    assert seen("Hmm, <tool_call> is what I need.</think>It is 5.", "maybe") == (
        "It is 5.",
        "Hmm, <tool_call> is what I need.",
        [],
    )
    visible, thought, calls = seen(f"I should use it.</think>\n\n{HERMES}", "maybe")
    assert (visible, thought, len(calls)) == ("", "I should use it.", 1)
    assert seen("Stop at the closer </think> of it.", "maybe")[0] == "Stop at the closer </think> of it."
    assert seen("Stop at `</think>` there.", "maybe")[0] == "Stop at `</think>` there."
    assert seen("<think>a</think>b", "maybe")[:2] == ("b", "a")
    assert seen("No thought at all.", "maybe")[:2] == ("No thought at all.", "")


def test_a_code_span_over_several_lines_quotes_every_marker_in_it() -> None:
    text = "A call begins `<tool_call>\n<tool_call>\n</tool_call>\n</tool_call> </tool_call>\n<|tool_call>` and so on."
    assert seen(text) == (text, "", [])
