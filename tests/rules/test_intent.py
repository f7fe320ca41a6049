"""What a turn without a call is: a final answer is never taken for anything else."""

from __future__ import annotations

import pytest

from rules.intent import intent_of
from tests.linear import grows_linearly

ANSWERS = [
    "Done.",
    "I fixed the typo in a.py; all tests pass.",
    "All tests pass when running pytest.",
    "The function now returns 3. Let me know if you want anything else.",
    "I changed two files:\n\n- a.py\n- b.py\n\nI will not touch the rest.",
    "It should be noted that opening the file twice is slow.",
    "I should mention that b.py needs the same change.",
    "If you like, I'll add a test for it.",
    "Let me summarize: the cache was never filled.",
    "Let me explain. The loop ends one step early.",
    "42",
    "None",
    "null",
    "yes",
    "The answer is 4.",
    "COMPLETE",
    "You can run it with `python a.py`.",
    "Is it fast? Yes, it is.",
]
INTENTIONS = [
    "Let me look at the file first.",
    "I see the problem. I'll fix it now",
    "I will now run the tests.",
    "Now let me check the imports:",
    "The tests fail.\n\nNext, I'll open a.py.",
    "Running the tests.",
    "Here is the command:",
    "OK, let's run it.",
    "First, I need to find the definition.",
    "Let me start by exploring the repository",
]
QUESTIONS = ["Which file do you mean?", "I found two. Should I run both?", 'Do you want "a" or "b"?', "Shall I go on? "]
REFUSALS = ["I'm sorry, but I can't help with that.", "I cannot do this.", "Unfortunately, I am unable to open it.", "Sorry, no."]
PLACEHOLDERS = ["...", "[tool call]", "```\n```", "(calling the tool)", "<tool_call>", "Tool call:", "---", "{}"]


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        *[("answer", each) for each in ANSWERS],
        *[("intention", each) for each in INTENTIONS],
        *[("question", each) for each in QUESTIONS],
        *[("refusal", each) for each in REFUSALS],
        *[("placeholder", each) for each in PLACEHOLDERS],
    ],
)
def test_what_a_text_leads_to(wanted: str, text: str) -> None:
    assert intent_of(text) == wanted


@pytest.mark.parametrize("unit", ["Let me ", "I'll ", ". ", "? ", "tool ", "_", "a the ", "Sorry, "])
def test_it_takes_linear_time(unit: str) -> None:
    assert grows_linearly(intent_of, lambda count: unit * count, 5000)
