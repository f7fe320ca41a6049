"""A string builder is its text, whatever the pieces, and hardly larger."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from adapters.string_builder import MANY, StringBuilder


@given(st.lists(st.text(max_size=3), max_size=20), st.integers(0, 3))
def test_it_is_the_text_of_its_pieces(pieces: list[str], times: int) -> None:
    built, expected = StringBuilder(), ""
    for piece in pieces * (times * MANY // 5 + 1):
        built.add(piece)
        expected += piece
    assert str(built) == expected
    assert bool(built) == bool(expected)


def test_many_small_pieces_take_little_more_than_their_text() -> None:
    built = StringBuilder()
    tracemalloc.start()
    try:
        for number in range(25_000):
            built.add(f"{number % 1000:03d} ")
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 2 * 100_000 + 100 * MANY
