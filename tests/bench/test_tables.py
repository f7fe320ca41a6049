"""What the benchmarks write: goals judged by the medians of a run, with what is missed or was not measured; shares of a profile."""

from __future__ import annotations

import pytest

from bench import goals
from bench.goals import EVENT, GOALS, HELD, REQUEST, Limit
from bench.profile import shares

MEDIANS = {REQUEST: {"nginx": 50.0, "naive": 250.0, "toolmend": 250.0}, HELD: {"nginx": 800.0, "naive": 400.0, "toolmend": 560.0}}


@pytest.mark.parametrize(
    ("limit", "reached"),
    [
        (Limit(REQUEST, 5, "nginx"), ("5.00 x nginx", True)),
        (Limit(REQUEST, 0.8, "naive"), ("1.00 x naive", False)),
        (Limit(REQUEST, 300), ("250", True)),
        (Limit(HELD, 0.7, "nginx", least=True), ("0.70 x nginx", True)),
        (Limit(HELD, 1.5, "naive", least=True), ("1.40 x naive", False)),
        (Limit(REQUEST, 1, "naive", goals.OURS), ("not measured", None)),
        (Limit(EVENT, 1, "naive"), ("not measured", None)),
    ],
)
def test_a_limit_is_judged_by_the_medians(limit: Limit, reached: tuple[str, bool | None]) -> None:
    assert limit.reached(MEDIANS) == reached


def test_each_goal_has_its_line_and_its_verdict() -> None:
    head, _, *rows = goals.lines(MEDIANS)
    assert head.count("|") == 6
    assert len(rows) == len(GOALS) == 8
    assert rows[0].endswith("| 5.00 x nginx; 1.00 x naive | **missed** (1 of 2) |")
    assert rows[5].endswith("| 0.70 x nginx; 1.40 x naive | reached |")
    assert all(row.endswith("| not measured |") for at, row in enumerate(rows) if at not in (0, 5))


def test_shares_count_what_a_function_calls_once_for_each_sample() -> None:
    stacks = "run (a.py:1);read (b.py:2);read (b.py:3) 30\nrun (a.py:1);write (c.py:4) 69\nrun (a.py:9);rare (d.py:1) 1\n"
    assert shares(stacks) == ["| function | share |", "|---|---|", "| `write (c.py)` | 69% |", "| `read (b.py)` | 30% |"]
