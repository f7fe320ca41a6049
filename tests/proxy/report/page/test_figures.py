"""What is drawn is what was counted."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from proxy.record import Attempt
from proxy.report.page.figures import BINS, MODELS, OTHERS, Figures, step_for
from tests.proxy.report.made import RAW, START, counted, entry


def figures_of(*entries: dict[str, Any]) -> Figures:
    figures = Figures()
    for each in entries:
        figures.add(each) if "outcome" in each else figures.count(each)
    return figures


def test_bins_hold_every_turn_once() -> None:
    turns = [entry(ts=START + 700 * at, outcome=("mended", "error")[at % 2]) for at in range(50)]
    bins = figures_of(*turns).timeline().bins
    assert sum(sum(each.outcomes.values()) for each in bins) == 50
    assert sum(each.outcomes["error"] for each in bins) == 25
    starts = [each.start.timestamp() for each in bins]
    assert {later - earlier for earlier, later in pairwise(starts)} == {900.0}


def test_times_without_turns_are_empty_bins() -> None:
    timeline = figures_of(entry(), entry(ts=START + 600)).timeline()
    assert [sum(each.outcomes.values()) for each in timeline.bins] == [1, *[0] * 9, 1]


@pytest.mark.parametrize("span", [0, 59, 3_600, 86_400, 40 * 86_400, 4_000 * 86_400, 90_000 * 86_400])
def test_there_are_never_too_many_bins(span: int) -> None:
    first = int(START)
    step = step_for(first, first + span)
    assert (first + span) // step - first // step < BINS


@pytest.mark.parametrize("ts", ["never", "0001-01-01T00:00:00+23:00", "1950-01-01T00:00:00Z", "", None, 7])
def test_a_moment_that_cannot_be_drawn_is_counted_as_such(ts: Any) -> None:
    timeline = figures_of({**entry(), "ts": ts}, entry()).timeline()
    assert (timeline.untimed, len(timeline.bins)) == (1, 1)


def test_all_turns_are_told_where_they_were_counted() -> None:
    timeline = figures_of(entry(), entry(ts=START + 120), counted(7, at=START + 5), counted(3, at=START + 9_000)).timeline()
    assert [each.all for each in timeline.bins] == [7, None, None]


def test_many_models_are_drawn_as_one() -> None:
    turns = [entry(model=f"m{at}") for at in range(MODELS + 3) for _ in range(20 - at)]
    matrix = figures_of(*turns).matrix()
    assert matrix.models == [*(f"m{at}" for at in range(MODELS)), OTHERS]
    assert matrix.cells == [[20, 19, 18, 17, 16, 15 + 14 + 13]]


def test_one_model_more_than_are_told_apart_has_its_own_bar() -> None:
    matrix = figures_of(*(entry(model=f"m{at}") for at in range(MODELS + 1))).matrix()
    assert OTHERS not in matrix.models


def test_turns_of_no_class_are_no_faults() -> None:
    assert figures_of(entry(fault="", reason="")).matrix().classes == []


def test_a_rung_helped_where_nothing_was_wrong_with_its_answer() -> None:
    bad = Attempt("x", problem="no-call", rung="words", seconds=2.0)
    first, good = Attempt(RAW, problem="no-call"), Attempt(RAW, rung="words", seconds=1.0)
    rungs = figures_of(entry(attempts=(first, bad, good)), entry()).rungs()
    assert [(each.name, each.asked, each.helped, each.seconds) for each in rungs] == [
        ("members", 1, 1, 0.25),
        ("words", 2, 1, 3.0),
    ]
