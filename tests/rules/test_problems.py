"""Problems say what is wrong in few, plain words; a call that may have been cut never gets through."""

from __future__ import annotations

import json

import pytest

from rules.base import repair
from rules.conversation import Conversation, Policy, ToolCall, ToolSpec, Turn
from rules.guards.check_schema import problem_from
from rules.registry import RULES
from rules.samples import EDITOR, STRICT_BASH, TOOLS
from rules.schema import Finding, findings


def test_all_missing_names_and_strange_keys_are_told() -> None:
    call = ToolCall("c1", "str_replace_editor", {"file_path": "/a"})
    problem = problem_from(call, findings(call, EDITOR))
    assert (problem.reason, problem.fault, problem.path) == ("missing-arguments", "model-arguments", "$.command")
    assert problem.advice.splitlines()[1:] == [
        '$.command: "command" is required; "file_path" is not declared',
        '$.path: "path" is required; "file_path" is not declared',
    ]


def test_a_missing_name_outweighs_a_wrong_value() -> None:
    found = [Finding("$.a", "type", "must be integer, not string"), Finding("$.b", "required", '"b" is required')]
    problem = problem_from(ToolCall("c1", "t", {}), found)
    assert (problem.reason, problem.path) == ("missing-arguments", "$.b")
    assert problem_from(ToolCall("c1", "t", {}), found[:1]).reason == "wrong-arguments"


@pytest.mark.parametrize("name", ["x\n\n</system>", "\x1b[31m", "x" * 1_000_000, '"', "\u202e\u2028"])
def test_a_hostile_name_is_quoted_as_data(name: str) -> None:
    problem = repair(Turn("assistant", calls=(ToolCall("c1", name, {}),)), TOOLS, RULES, trap=False).problem
    assert problem is not None
    assert problem.reason == "unknown-tool"
    assert len(problem.advice) <= 300
    assert problem.advice.isprintable()


def test_long_lists_of_tools_are_cut() -> None:
    within = Conversation(tuple(ToolSpec("t" * 50 + str(number)) for number in range(1000)))
    problem = repair(Turn("assistant", calls=(ToolCall("c1", "x", {}),)), within, RULES, trap=False).problem
    assert problem is not None
    assert len(problem.advice) <= 300


@pytest.mark.parametrize("ending", ["stop", "length", "cut", "unsure"])
@pytest.mark.parametrize("quote", ["json", "python"])
def test_arguments_cut_anywhere_are_never_delivered(ending: str, quote: str) -> None:
    arguments = {"command": 'rm -rf "/workspace/build"; echo {"a": "b"}', "security_risk": "LOW"}
    text = json.dumps(arguments) if quote == "json" else repr(arguments)
    within = Conversation((STRICT_BASH,), policy=Policy(fill={"security_risk": "LOW"}))
    for cut in range(len(text)):
        call = ToolCall("c1", "execute_bash", text[:cut], whole=False)
        problem = repair(Turn("assistant", calls=(call,), ending=ending), within, RULES, trap=False).problem  # type: ignore[arg-type]
        assert problem is not None, text[:cut]
        assert problem.reason == "truncated" or cut == 0


def test_a_whole_call_with_a_bracket_missing_is_read_only_if_the_model_ended_the_turn() -> None:
    call = ToolCall("c1", "wait", '{"seconds": 3')
    good = repair(Turn("assistant", calls=(call,)), TOOLS, RULES, trap=False)
    assert good.problem is None
    assert good.turn.calls[0].arguments == {"seconds": 3}
    for ending in ("length", "cut", "unsure"):
        bad = repair(Turn("assistant", calls=(call,), ending=ending), TOOLS, RULES, trap=False)  # type: ignore[arg-type]
        assert bad.problem is not None
        assert bad.problem.reason == "truncated"


def test_raw_quotes_that_make_a_strange_key_are_not_trusted() -> None:
    text = '{"command": "echo "a" b", "zz": "c"}'
    problem = repair(Turn("assistant", calls=(ToolCall("c1", "execute_bash", text),)), TOOLS, RULES, trap=False).problem
    assert problem is not None
    assert problem.reason == "unreadable-arguments"


@pytest.mark.parametrize("text", ["<parameter=a>1", "\n<a>1</b>", '{a:<|"|>x', "x <parameter=a>"])
def test_who_writes_tags_is_not_sent_to_json(text: str) -> None:
    turn = Turn("assistant", calls=(ToolCall("c1", "wait", text),))
    problem = repair(turn, TOOLS, RULES, trap=False).problem
    assert problem is not None
    assert "JSON" not in problem.advice
    assert "each parameter once" in problem.advice
    assert len(problem.advice) <= 300


def test_a_strange_key_is_told_beside_what_is_not_given() -> None:
    call = ToolCall("c1", "str_replace_editor", {"command": "view", "path": "/a", "range": [1, 5]})
    problem = repair(Turn("assistant", calls=(call,)), TOOLS, RULES, trap=False).problem
    assert problem is not None
    assert (problem.reason, problem.fault) == ("unknown-arguments", "model-arguments")
    assert problem.advice.splitlines()[:2] == [
        '"str_replace_editor" has no argument "range".',
        'Declared and not given: "view_range".',
    ]


@pytest.mark.parametrize("name", ["max_results", "recurse", "dryRun", "new_string"])
def test_a_strange_key_that_may_matter_is_never_dropped(name: str) -> None:
    call = ToolCall("c1", "wait", {"seconds": 1, name: 5})
    verdict = repair(Turn("assistant", calls=(call,)), TOOLS, RULES, trap=False)
    assert verdict.problem is not None
    assert verdict.problem.reason == "unknown-arguments"
    assert verdict.turn.calls == (call,)


@pytest.mark.parametrize("text", ["{'seconds': 3}", '{"seconds": 3}', "null", "{}"])
def test_a_block_without_a_name_is_unreadable_whatever_it_holds(text: str) -> None:
    problem = repair(Turn("assistant", calls=(ToolCall("c1", "", text),)), TOOLS, RULES, trap=False).problem
    assert problem is not None
    assert problem.reason == "unreadable-call"


@pytest.mark.parametrize("text", ["0e999999999", "1e-999999999", "1e-99999999999999999999", "0e99999999999999999999", "1e400"])
def test_numbers_with_hostile_exponents_cost_nothing(text: str) -> None:
    repair(Turn("assistant", calls=(ToolCall("c1", "wait", {"seconds": text}),)), TOOLS, RULES, trap=False)


def test_a_guess_is_made_only_where_guesses_are_allowed() -> None:
    within = Conversation((STRICT_BASH,), policy=Policy(guess=False, tool_aliases={"bash": "execute_bash"}))
    problem = repair(Turn("assistant", calls=(ToolCall("c1", "bash", {}),)), within, RULES, trap=False).problem
    assert problem is not None
    assert problem.reason == "unknown-tool"
