"""The bound of an answer's tokens: of any schema, right or wrong."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.structured.cost import FRAME, FREE_TEXT, NUMBER, tokens_for


@pytest.mark.parametrize("wrong", [{"a": 1}, [{"a": 1}], [["string"]], None, 5, [], [None]])
def test_a_type_that_is_none_costs_as_a_text(wrong: Any) -> None:
    """Found by mutating a recorded request: a dict cannot be put into a set."""
    assert tokens_for({"type": wrong}) == FRAME + FREE_TEXT


def test_numbers_cost_little() -> None:
    assert tokens_for({"type": ["integer", "null"]}) == FRAME + NUMBER
