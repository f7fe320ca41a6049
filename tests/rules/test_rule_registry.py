"""Every rule is registered, documented, and does what its examples say."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import rules
from rules.base import Example, Problem, Rule
from rules.registry import PLACEMENTS, RULES

ROOT = Path(rules.__file__).parent
MODULES = sorted(path for room in ("calls", "guards") for path in (ROOT / room).glob("[!_]*.py"))
EXAMPLES = [pytest.param(each, example, id=f"{each.name}: {example.title}") for each in RULES for example in each.examples]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_every_rule_file_holds_one_registered_rule_of_its_name(path: Path) -> None:
    module = importlib.import_module(f"rules.{path.parent.name}.{path.stem}")
    found = getattr(module, path.stem)
    assert isinstance(found, Rule)
    assert found.name == path.stem
    assert sum(each is found for each in RULES) == 1


def test_every_placement_has_a_rule_file_and_a_reason() -> None:
    assert sorted(each.rule.name for each in PLACEMENTS) == sorted(path.stem for path in MODULES)
    assert all(each.reason for each in PLACEMENTS)


@pytest.mark.parametrize("each", RULES, ids=lambda each: each.name)
def test_every_rule_says_why_and_when_it_is_safe(each: Rule) -> None:
    assert each.doc.splitlines()[0].endswith(".")
    assert "\nWhy: " in each.doc
    assert "\nSafety: " in each.doc


@pytest.mark.parametrize("each", RULES, ids=lambda each: each.name)
def test_every_rule_shows_when_it_acts_and_when_it_does_not(each: Rule) -> None:
    acts = [example for example in each.examples if example.before != example.after]
    rests = [example for example in each.examples if example.before == example.after]
    assert acts
    assert rests


@pytest.mark.parametrize(("each", "example"), EXAMPLES)
def test_examples_hold(each: Rule, example: Example) -> None:
    outcome = each.apply(example.before, example.within)
    found = outcome.reason if isinstance(outcome, Problem) else outcome
    assert found == example.after
    if example.before == example.after:
        assert outcome is example.before


@pytest.mark.parametrize(("each", "example"), EXAMPLES)
def test_a_rule_has_nothing_left_to_do_after_itself(each: Rule, example: Example) -> None:
    outcome = each.apply(example.before, example.within)
    if not isinstance(outcome, Problem):
        assert each.apply(outcome, example.within) == outcome
