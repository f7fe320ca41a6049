"""Every step of healing is registered, documented, and does what its examples say."""

from __future__ import annotations

import copy
import importlib
from dataclasses import replace
from pathlib import Path

import pytest

import adapters.history
from adapters.history.base import Example, Messages, Step, Terms, heal, step
from adapters.history.registry import FITTERS, FITTING, HEALERS, HEALING
from adapters.history.samples import USER, asks, call

STEPS = (*HEALERS, *FITTERS)
PLACEMENTS = (*HEALING, *FITTING)
SHARED = ("base", "registry", "runs", "samples")
MODULES = sorted(path.stem for path in Path(adapters.history.__path__[0]).glob("[!_]*.py") if path.stem not in SHARED)
EXAMPLES = [pytest.param(each, example, id=f"{each.name}: {example.title}") for each in STEPS for example in each.examples]


@pytest.mark.parametrize("name", MODULES)
def test_every_step_file_holds_one_registered_step_of_its_name(name: str) -> None:
    found = getattr(importlib.import_module(f"adapters.history.{name}"), name)
    assert isinstance(found, Step)
    assert found.name == name
    assert sum(each is found for each in STEPS) == 1


def test_every_placement_has_a_step_file_and_a_reason() -> None:
    assert sorted(each.step.name for each in PLACEMENTS) == MODULES
    assert all(each.reason for each in PLACEMENTS)


@pytest.mark.parametrize("each", STEPS, ids=lambda each: each.name)
def test_every_step_says_why_and_when_it_is_safe(each: Step) -> None:
    assert each.doc.splitlines()[0].endswith(".")
    assert "\nWhy: " in each.doc
    assert "\nSafety: " in each.doc


@pytest.mark.parametrize("each", STEPS, ids=lambda each: each.name)
def test_every_step_shows_when_it_acts_and_when_it_does_not(each: Step) -> None:
    assert any(example.before != example.after for example in each.examples)
    assert any(example.before == example.after for example in each.examples)


@pytest.mark.parametrize(("each", "example"), EXAMPLES)
def test_examples_hold_and_what_needs_nothing_stays_the_same_object(each: Step, example: Example) -> None:
    before = copy.deepcopy(list(example.before))
    found = each.apply(before, example.terms)
    assert found == list(example.after)
    assert before == list(example.before)
    for message in found:
        same = [own for own in before if own == message]
        assert not same or any(own is message for own in same)


@pytest.mark.parametrize(("each", "example"), EXAMPLES)
def test_a_step_has_nothing_left_to_do_after_itself(each: Step, example: Example) -> None:
    outcome = each.apply(list(example.before), example.terms)
    assert each.apply(outcome, example.terms) == outcome


@pytest.mark.parametrize(("each", "example"), EXAMPLES)
def test_a_step_is_named_where_it_acts(each: Step, example: Example) -> None:
    healed = heal(list(example.before), example.terms, (each,), trap=False)
    assert healed.steps == ((each.name,) if example.before != example.after else ())


def test_a_step_that_raises_is_skipped_and_named() -> None:
    def broken(messages: Messages, terms: Terms) -> Messages:
        raise KeyError(messages[0]["role"])

    healed = heal([asks(call("c1"))], Terms(), (step("form")(broken), *HEALERS))
    assert healed.raised == ("broken",)
    assert healed.steps == ("answer_dangling_calls",)
    with pytest.raises(KeyError):
        heal([USER], Terms(), (step("form")(broken),), trap=False)


def test_a_profile_that_keeps_thoughts_keeps_those_of_the_past() -> None:
    [drops] = [each for each in STEPS if each.name == "drop_past_thinking"]
    for example in drops.examples:
        bare = replace(example.terms, thoughts=())
        assert drops.apply(list(example.before), bare) == list(example.before)
