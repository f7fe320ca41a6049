"""JSON that cannot be a call is known by its beginning, and never later than it must be."""

from __future__ import annotations

from functools import partial

import pytest

from adapters.models.json_blocks.json_head import LONGEST, Gate, begins_object, names_tool
from tests.adapters.models.json_samples import TOOLS


def decided(text: str, *, lone: bool = False) -> tuple[bool | None, str]:
    """Return the answer for a text, and how much of it was needed."""
    gate = Gate(partial(names_tool, TOOLS, lone=lone))
    for at, char in enumerate(text):
        answer = gate.feed(char)
        if answer is not None:
            assert Gate(partial(names_tool, TOOLS, lone=lone)).feed(text) is answer
            return answer, text[: at + 1]
    return None, text


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ('{"name": "f", "arguments": {"a": 1}}', '{"name": "f", "arguments":'),
        ('[ {"tool":"functions.F","args":{}}]', '[ {"tool":"functions.F","args":'),
        ("{'name': 'f', 'parameters': {}}", "{'name': 'f', 'parameters':"),
        ('{name: "f", a: 1}', '{name: "f", a:'),
        ('{"type": "function", "function": {"name": "f", "arguments": {}}}', None),
        ('{"id": 7, "action": "f", "action_input": "x"}', None),
        ('{"arguments": {"a": 1}, "name": "f"}', '{"arguments": {'),
    ],
)
def test_a_call_is_let_in(text: str, needed: str | None) -> None:
    answer, seen = decided(text)
    assert answer is True
    assert needed is None or seen.rstrip() == needed or seen == needed + " "


@pytest.mark.parametrize(
    "needed",
    [
        "{b", "{}", "[1", "[[", '{"x', '{"na,', '{"name": 5', '{"name": "Ingrid"', '{"name": "f"}', '{"name": "f", "l', '{"parameters": n',
        '{"id": {', '{"id": 7}', '{"function": [', '{"name" "', "[g",
    ],
)  # fmt: skip
def test_other_json_is_let_go_at_once(needed: str) -> None:
    answer, seen = decided(f"{needed} and more of it, whatever it is")
    assert (answer, seen) == (False, needed)


def test_a_name_alone_counts_where_it_may() -> None:
    assert decided('{"name": "stop"}', lone=True)[0] is True
    assert decided('{"name": "stop"}')[0] is False


def test_nothing_is_waited_for_forever() -> None:
    for head in ('{"name": "', "{" + " " * LONGEST, '{"id": "1", "id": "'):
        assert decided(head + "f" * LONGEST)[0] is False


def test_an_object_begins_alone_or_in_a_list() -> None:
    for text, answer in (("{", True), (" [ {", True), ("[", None), ("[1", False), ("x", False)):
        assert Gate(begins_object).feed(text) is answer
