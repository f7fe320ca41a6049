"""What is left of a text that repeats itself without end, for the client and for the model."""

from __future__ import annotations

from typing import get_args

import pytest

from adapters.guards.repeat import Reason, Repeat, counted, problem_of, told_once
from tests.linear import grows_linearly

LINE = "I will look again.\n"


@pytest.mark.parametrize(
    ("text", "repeat", "once", "seen"),
    [
        ("Well. " + "na " * 500, Repeat("repeated-cycle", 3, 1500), "Well. na", "Well. na \n[... 500 times the same ...]"),
        ("Well. " + "na " * 500 + "n", Repeat("repeated-cycle", 3, 1500), "Well. na n", None),
        ("Well.\n" + LINE * 300, Repeat("repeated-lines", len(LINE), 5700), f"Well.\n{LINE.strip()}", None),
        ("a" + "!" * 300, Repeat("repeated-token", 1, 300), "a!", "a!\n[... 300 times the same ...]"),
        ("Well. <pad>\n<pad><unused1>", Repeat("special-token-flood", 5, 15), "Well.", "Well.\n[... 3 special tokens ...]"),
        ("Well." + " \n" * 600, Repeat("endless-whitespace", 1, 1200), "Well.", "Well.\n[... 1200 blanks ...]"),
        ("It was in a call.", Repeat("repeated-cycle", 4, 9000), "It was in a call.", "It was in a call."),
        ("", Repeat("special-token-flood", 1, 0), "", ""),
        ("", Repeat("repeated-cycle", 4, 9000), "", ""),
    ],
)
def test_a_repetition_is_told_once_and_counted(text: str, repeat: Repeat, once: str, seen: str | None) -> None:
    assert told_once(text, repeat) == once
    told = counted(text, repeat)
    assert told == seen if seen is not None else len(told) < 80
    assert told_once(once, repeat) == once


@pytest.mark.parametrize("reason", get_args(Reason))
def test_every_reason_is_a_problem_with_short_advice(reason: Reason) -> None:
    problem = problem_of(reason)
    assert (problem.reason, problem.fault) == (reason, "model-degenerate")
    assert len(problem.advice) <= 300


@pytest.mark.parametrize("unit", ["na ", "<pad>", " ", "<pad>x"])
@pytest.mark.parametrize("reason", get_args(Reason))
def test_time_is_linear(unit: str, reason: Reason) -> None:
    repeat = Repeat(reason, len(unit), 100)
    assert grows_linearly(lambda text: counted(text, repeat), lambda size: "Well. " + unit * size, 5000)
