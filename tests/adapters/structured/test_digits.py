"""Ranges of numbers as grammars: exactly the integers of a range, and of other numbers those between whole bounds."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.structured.digits import integers, numbers
from adapters.structured.relaxed import INTEGERS, Unbuildable
from tests.gbnf_matcher import Gbnf

BOUNDS = st.integers(-1200, 1200) | st.integers(*INTEGERS) | st.sampled_from([0, 9, 10, 99, 100, 101, 999, 1000, *INTEGERS])


@pytest.mark.parametrize(
    ("low", "high"), [(0, 0), (1, 9), (-5, 5), (7, 123), (-120, -7), (99, 101), (-1, 0), (10, 99), (100, 1000)]
)
def test_exactly_the_integers_of_a_range_are_taken(low: int, high: int) -> None:
    grammar = Gbnf(f"root ::= {integers(low, high)}")
    assert [each for each in range(-1300, 1300) if grammar.takes(str(each))] == list(range(low, high + 1))
    assert not any(map(grammar.takes, ("-0", "00", "01", "+1", "1.0", "1e1", "", "-")))


@settings(deadline=None)
@given(low=BOUNDS, high=BOUNDS, step=st.integers(0, 3))
def test_the_edges_of_a_range_are_sharp(low: int, high: int, step: int) -> None:
    low, high = sorted((low, high))
    grammar = Gbnf(f"root ::= {integers(low, high)}")
    for each in (low - step, low + step, high - step, high + step, (low + high) // 2, -low, -high):
        assert grammar.takes(str(each)) == (low <= each <= high)


@settings(deadline=None)
@given(low=st.integers(-50, 50), high=st.integers(-50, 50), value=st.floats(-60, 60).map(lambda value: round(value, 3)))
def test_numbers_between_whole_bounds_are_taken_and_no_others(low: int, high: int, value: float) -> None:
    low, high = sorted((low, high))
    grammar = Gbnf(f"root ::= {numbers(low, high)}")
    spelled = f"{value:.3f}".rstrip("0").rstrip(".")
    if spelled not in ("-0", "0"):
        assert grammar.takes(spelled) == (low <= value <= high)
    for edge in (low, high):
        assert grammar.takes(f"{edge}.0")
    assert not grammar.takes(f"{high}.1" if high >= 0 else f"{low}.1")


def test_a_bound_that_is_not_whole_is_widened() -> None:
    grammar = Gbnf(f"root ::= {numbers(0.5, 1.5)}")
    assert all(map(grammar.takes, ("0.1", "2", "1.75", "5e-01")))
    assert not any(map(grammar.takes, ("2.1", "-1", "1e5", "-5e-01")))


def test_what_may_be_small_may_have_an_exponent() -> None:
    grammar = Gbnf(f"root ::= {numbers(-1e15, 1e15)}")
    assert all(grammar.takes(json.dumps(each)) for each in (1e-05, -7.2345678901e-05, 0.25, -3, 123456789012345))


@pytest.mark.parametrize("bounds", [(1, 0), (1.2, 1.8), (float("inf"), float("inf")), (0, float("nan")), (0, 10**60)])
def test_what_is_no_range_is_refused(bounds: tuple[float, float]) -> None:
    with pytest.raises(Unbuildable):
        integers(*bounds)


def test_a_range_is_as_long_as_its_bounds() -> None:
    lengths = [len(integers(10**size + 7, 9 * 10**size + 3)) for size in (8, 16, 32)]
    assert lengths[2] < 5 * lengths[0]
