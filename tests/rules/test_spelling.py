"""A name in other letters is the same name; a slip is one only where no other name can have been meant."""

from __future__ import annotations

import pytest

from rules.spelling import differs_in_number, distance, slips, squeezed, words


@pytest.mark.parametrize(
    "name", ["max_results", "maxResults", "max-results", "MAX_RESULTS", "Max Results", " max.results:", "--maxresults"]
)
def test_a_name_in_other_letters_is_the_same(name: str) -> None:
    assert squeezed(name) == "maxresults"


def test_dashes_between_digits_count() -> None:
    assert squeezed("a_1_2") == squeezed("a1-2") != squeezed("a12")


def test_words() -> None:
    assert words("maxHTTPResults_v2") == ("max", "http", "results", "v", "2")


@pytest.mark.parametrize(
    ("written", "declared", "count"),
    [
        ("comand", "command", 1),
        ("commnad", "command", 1),
        ("max_resluts", "max_results", 1),
        ("securty_rsik", "security_risk", 2),
        ("maxReslts", "max_results", 1),
        ("securtyrisk", "security_risk", 1),
        ("page", "pages", 1),
        ("path", "path", 0),
    ],
)
def test_slips(written: str, declared: str, count: int) -> None:
    assert slips(written, declared) == count


@pytest.mark.parametrize(
    ("written", "declared"),
    [
        ("new_string", "new_str"),
        ("old_str", "new_str"),
        ("odl_str", "old_str"),
        ("min_size", "max_size"),
        ("form", "from"),
        ("data", "date"),
        ("start_x", "start_y"),
        ("arg1", "arg2"),
        ("path1", "path2"),
        ("x", "y"),
        ("source", "target"),
        ("host", "post"),
        ("qath", "bath1"),
        ("abcdefgh", "abcdxxxx"),
        ("a" * 61, "a" * 60),
        ("a" * 1_000_000, "a" * 60),
    ],
)
def test_another_name_is_no_slip(written: str, declared: str) -> None:
    assert slips(written, declared) is None


def test_a_plural_is_told() -> None:
    assert differs_in_number("page", "pages")
    assert not differs_in_number("pagse", "pages")


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [
        ("", "", 0),
        ("ab", "ba", 1),
        ("abc", "ac", 1),
        ("abc", "abxc", 1),
        ("abc", "axc", 1),
        ("abcd", "badc", 2),
        ("abcd", "wxyz", 3),
    ],
)
def test_distance(one: str, other: str, count: int) -> None:
    assert distance(one, other, 2) == distance(other, one, 2) == count
