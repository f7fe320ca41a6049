"""Kept values: found again by their bytes, with what was worked out of them, and no others."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from rules import kept
from rules.kept import LARGEST, MAX_KEPT, keep, worked_out


class Counting:
    """A function that counts how often it runs."""

    def __init__(self) -> None:
        self.ran = 0

    def __call__(self, value: Any) -> Any:
        self.ran += 1
        return (dict(enumerate(value)), self.ran)


def remembering(function: Any) -> Any:
    function.__name__ = "function"
    return worked_out(function)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_kept", type(kept._kept)())
    monkeypatch.setattr(kept, "_owners", {})


def of(text: str) -> list[Any]:
    return keep(text.encode(), list(orjson.loads(text)))[1]


def test_the_same_bytes_give_the_same_value() -> None:
    assert of('["a"]') is of('["a"]')
    assert of('["a"]') is not of('["a" ]')


def test_what_was_worked_out_of_a_kept_value_is_found_again() -> None:
    counting = Counting()
    function = remembering(counting)
    assert function(of('["a"]')) is function(of('["a"]'))
    assert counting.ran == 1
    assert function(["a"]) == ({0: "a"}, 2), "an equal value that is not kept"
    assert function(["a"]) == ({0: "a"}, 3)


def test_what_was_worked_out_is_worked_on() -> None:
    first, second = Counting(), Counting()
    made = remembering(first)(of('["a"]'))
    assert remembering(second)(made) is not None
    again = remembering(second)
    assert again(made) is again(made)
    inner = Counting()
    of_member = remembering(inner)
    assert of_member(made[0]) is of_member(made[0]), "what stands in a tuple is known as well"
    assert inner.ran == 1


def test_two_functions_do_not_share_results() -> None:
    one, two = remembering(Counting()), remembering(lambda value: ("other", len(value)))
    assert one(of('["a"]')) != two(of('["a"]'))


def test_what_is_kept_is_bounded() -> None:
    function = remembering(Counting())
    for number in range(3 * MAX_KEPT):
        function(of(f'["{number}"]'))
    assert len(kept._kept) == MAX_KEPT
    assert len(kept._owners) == 3 * MAX_KEPT, "of each its value, what was worked out of it, and the dict in that"
    large = b'["' + b"x" * LARGEST + b'"]'
    assert keep(large, ["first"]) == (large, ["first"])
    assert keep(large, ["second"]) == (large, ["second"])


def test_the_one_that_is_asked_for_stays() -> None:
    first = of('["first"]')
    for number in range(3 * MAX_KEPT):
        of(f'["{number}"]')
        assert of('["first"]') is first
