"""docs/rules.md says what is registered."""

from __future__ import annotations

from adapters.history.registry import FITTERS, HEALERS
from docs.rules_page import PAGE, page, shown, with_damage
from rules.conversation import ToolCall, Turn
from rules.registry import RULES


def test_the_page_is_what_the_generator_writes() -> None:
    text = PAGE.read_text("utf-8")
    assert text == page(text), "run `make docs`"


def test_every_rule_has_its_place_and_its_examples() -> None:
    text = page()
    for rule in RULES:
        assert f"\n## {rule.name}\n" in text
        assert f"](#{rule.name}) | {rule.safety} |" in text
    assert text.count("\n## ") == len(RULES) + 2
    for step in (*HEALERS, *FITTERS):
        assert f"\n### {step.name}\n" in text
        assert f"](#{step.name}) | {step.safety} |" in text


def test_another_table_of_damage_leaves_the_page_as_it_is() -> None:
    text = with_damage(page(), "| new |\n")
    assert "| new |" in text
    assert page(text) == text
    assert page(with_damage(text, "")) == page()


def test_a_turn_is_shown_with_all_that_is_in_it() -> None:
    calls = (ToolCall("", "wait", {"s": 1}), ToolCall("", "", "x|y", whole=False))
    assert shown(Turn("assistant", "Hm.", calls=calls, ending="length")) == (
        '`Hm.` `wait {"s": 1}` `(no name) ‹x\\|y› (cut)` (ended: length)'
    )
    assert shown(Turn("assistant")) == "nothing"
