"""The judge of the round trips finds what is wrong: each test plants a fault in a dialect that has none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import pytest

from adapters.base import Dialect, Scan, Unwritable
from adapters.grammar import grammar
from adapters.models.hermes_json import HERMES_JSON
from adapters.models.qwen_xml import QWEN_XML
from adapters.registry import DIALECTS
from rules.conversation import Arguments, Json, ToolCall, Tools, ToolSpec, Turn
from tests.conformance.bfcl_cases import Case
from tests.conformance.compare import difference, same
from tests.conformance.report import failed, listing, table
from tests.conformance.round_trip import DIFFERENT, EXACT, RULES_ALONE, Outcome, grammars, mender, outcomes, round_trip

_SCHEMA = {
    "type": "object",
    "properties": {"base": {"type": "integer"}, "unit": {"type": ["string", "null"]}, "on": {"type": "boolean"}},
    "required": ["base"],
}
TOOLS: Tools = (ToolSpec("math.area", "", _SCHEMA),)
GOOD: Arguments = {"base": 10, "unit": "cm", "on": True}


def went(dialect: Dialect, arguments: Arguments = GOOD) -> Outcome:
    """Take one call through a dialect."""
    calls = (ToolCall("", "math.area", arguments),)
    return round_trip(Case("c", TOOLS, calls), dialect, grammar([dialect], TOOLS), mender(TOOLS))


def writing(change: Callable[[Sequence[ToolCall]], str]) -> Dialect:
    return replace(HERMES_JSON, render=change)


def having(call: ToolCall, **changed: Json) -> ToolCall:
    assert not isinstance(call.arguments, str)
    return call.having({**call.arguments, **changed})


@pytest.mark.parametrize("name", DIALECTS)
def test_a_right_call_is_exact_or_refused(name: str) -> None:
    found = outcomes(Case("c", TOOLS, (ToolCall("", "math.area", GOOD),)), [name])
    assert found[RULES_ALONE] == EXACT
    assert found[name].kind in ("exact", "refused"), found[name]


@pytest.mark.parametrize("name", DIALECTS)
def test_each_dialect_is_looked_for_before_the_others(name: str) -> None:
    kept = {each: partial(lambda forms, _: forms, tuple(each(TOOLS))) for each in {each.forms for each in DIALECTS.values()}}
    dialects = {each.name: replace(each, forms=kept[each.forms]) for each in DIALECTS.values()}
    wanted = grammar([dialects[name], *(each for each in dialects.values() if not each.asked and each.name != name)], TOOLS)
    made = grammars(TOOLS, [name])[name]
    assert {opener: len(forms) for opener, forms in made.forms.items()} == {
        opener: len(each) for opener, each in wanted.forms.items()
    }
    assert (made.thoughts, made.labels, made.stray, made.ends) == (wanted.thoughts, wanted.labels, wanted.stray, wanted.ends)


def test_the_first_reader_of_a_shared_opener_is_the_dialects_own() -> None:
    first = {name: using.forms["<tool_call>"][0].read for name, using in grammars(TOOLS, ["hermes_json", "qwen_xml"]).items()}
    assert first["hermes_json"] is HERMES_JSON.forms(TOOLS)[0].read
    assert first["qwen_xml"] is not first["hermes_json"]


def test_a_changed_value_is_wrong() -> None:
    found = went(writing(lambda calls: HERMES_JSON.render([having(each, base=11) for each in calls])))
    assert (found.kind, found.why, found.detail) == ("wrong", DIFFERENT, "math.area: base: 11 instead of 10")


def test_a_lost_call_is_wrong() -> None:
    assert went(writing(lambda _: "Done.")).kind == "wrong"
    calls = (ToolCall("", "math.area", {"base": 1}), ToolCall("", "math.area", {"base": 2}))
    dialect = writing(lambda calls: HERMES_JSON.render(calls[:1]))
    found = round_trip(Case("c", TOOLS, calls), dialect, grammar([dialect], TOOLS), mender(TOOLS))
    assert (found.kind, found.detail) == ("wrong", "1 calls instead of 2")


def test_text_beside_the_call_is_wrong() -> None:
    found = went(writing(lambda calls: f"{HERMES_JSON.render(calls)}\nend"))
    assert (found.kind, found.why) == ("wrong", "text is left over")


def test_a_call_without_its_end_is_wrong() -> None:
    found = went(writing(lambda calls: HERMES_JSON.render(calls).removesuffix("}\n</tool_call>")))
    assert found.kind == "wrong"


def test_a_call_that_the_rules_refuse_is_wrong() -> None:
    found = went(writing(lambda calls: HERMES_JSON.render([having(each, base=[]) for each in calls])))
    assert (found.kind, found.why) == ("wrong", "wrong-arguments")


class _CutScan:
    """Sees a closer only where it comes in one piece."""

    def __init__(self, tools: Tools) -> None:
        self._seen = 0

    def feed(self, piece: str) -> int | None:
        self._seen += len(piece)
        return self._seen if piece.endswith("</tool_call>") else None

    def finish(self) -> int:
        return 11


def test_a_reader_that_depends_on_the_cuts_is_wrong() -> None:
    def forms(tools: Tools) -> tuple:
        scan: Callable[[Tools], Scan] = _CutScan
        return tuple(replace(form, scan=scan) for form in HERMES_JSON.forms(tools))

    assert went(replace(HERMES_JSON, forms=forms)).kind == "wrong"


def test_what_cannot_be_written_is_refused_and_named_with_its_marker() -> None:
    found = went(QWEN_XML, {"base": 1, "unit": "a\n</parameter>\n<parameter=base>\n2"})
    assert (found.kind, found.why) == ("refused", "string with </parameter>")


def test_a_refusal_without_a_marker_shows() -> None:
    def render(calls: Sequence[ToolCall]) -> str:
        if any("cm" in str(call.arguments) for call in calls):
            raise Unwritable("no")
        return HERMES_JSON.render(calls)

    found = went(writing(render))
    assert (found.kind, found.why, found.detail) == ("refused", "string without any marker", "math.area.unit: 'cm'")


def test_what_a_format_writes_alike_and_a_tool_takes_both_ways_is_refused() -> None:
    found = went(QWEN_XML, {"base": 1, "unit": None})
    assert (found.kind, found.why) == ("refused", "a value and the text that spells it are written alike")
    assert went(HERMES_JSON, {"base": 1, "unit": None}) == EXACT


def test_a_rule_that_changes_a_right_call_is_found() -> None:
    twice = (ToolCall("", "math.area", GOOD),) * 2
    found = outcomes(Case("c", TOOLS, twice), ())[RULES_ALONE]
    assert (found.kind, found.detail) == ("wrong", "1 calls instead of 2 (rules: collapse_duplicates)")


@pytest.mark.parametrize(
    ("one", "other"), [(5, "5"), (1, True), (0, False), (None, "null"), ([1], [1, 1]), ({"a": 1}, {}), (5, 5.1)]
)
def test_unlike_values_differ(one: Json, other: Json) -> None:
    assert not same(one, other)
    assert not same({"x": [one]}, {"x": [other]})


@pytest.mark.parametrize(("one", "other"), [(5, 5.0), ({"a": 1, "b": 2}, {"b": 2, "a": 1}), (None, None), ("é", "é")])
def test_like_values_are_the_same(one: Json, other: Json) -> None:
    assert same(one, other)


def test_a_difference_is_shown() -> None:
    one, other = ToolCall("", "f", {"a": 1}), ToolCall("", "f", {"b": None})
    assert difference([one], [other]) == "f: a: 1 instead of nothing; b: nothing instead of null"
    assert difference([replace(other, whole=False)], [other]) == "f: not whole"


def test_a_run_with_anything_wrong_has_failed_and_names_the_case() -> None:
    cases = [Case("c1", TOOLS, (ToolCall("", "math.area", GOOD),)), Case("c2", TOOLS, (), "a value of another type")]
    good = {RULES_ALONE: {"c1": EXACT}, "gemma4": {"c1": EXACT}}
    bad = {RULES_ALONE: {"c1": EXACT}, "gemma4": {"c1": Outcome("wrong", DIFFERENT, "f: a")}}
    assert not failed(good)
    assert failed(bad)
    assert "WRONG c1: the calls are different: f: a" in listing(bad)
    assert "| gemma4 | gemma-4 | 1 | 0 | 0 |" in table(cases, good)
    assert "1 × a value of another type" in table(cases, good)


def test_the_calls_of_a_turn_are_judged_as_they_are() -> None:
    assert mender(TOOLS)(Turn("assistant", calls=(ToolCall("", "math.area", GOOD),))).repairs == ()
