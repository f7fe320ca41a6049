"""What an agent has done: the same, alike, failed; and what its commands do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.actions import kind_of, kind_of_command
from rules.base import Problem, asks
from rules.conversation import Conversation, Patience, Policy, ToolCall, Turn
from rules.guards.nudge_to_finish import nudge_to_finish
from rules.guards.refuse_repetition import refuse_repetition, rounds
from rules.samples import TOOLS
from rules.steps import looks_failed, steps


def history(*pairs: tuple[str, str], policy: Policy | None = None) -> Conversation:
    turns = [Turn("user", "fix it")]
    for at, (command, result) in enumerate(pairs):
        turns.append(Turn("assistant", calls=(ToolCall(f"c{at}", "execute_bash", {"command": command}),)))
        turns.append(Turn("tool", result, answers=f"c{at}"))
    return Conversation(TOOLS.tools, tuple(turns), policy or Policy())


def next_call(command: str) -> Turn:
    return asks("execute_bash", command=command)


@pytest.mark.parametrize(
    ("past", "command", "times", "period"),
    [
        ("", "a", 1, 1),
        ("a", "a", 2, 1),
        ("aa", "a", 3, 1),
        ("ba", "a", 2, 1),
        ("abab", "a", 3, 2),
        ("ababa", "b", 3, 2),
        ("abcabc", "a", 3, 3),
        ("abcdabcd", "a", 3, 4),
        ("abcdeabcde", "a", 1, 1),
        ("abab", "c", 1, 1),
    ],
)
def test_rounds_are_counted(past: str, command: str, times: int, period: int) -> None:
    found = rounds(next_call(command), history(*((each, f"says {each}") for each in past)))
    assert found.times == times
    if times > 1:
        assert found.period == period


def test_clock_times_durations_and_addresses_are_no_news() -> None:
    told = ["1 passed in 0.02s at 12:30:01 <f at 0x7f00aa>", "1 passed in 1.5s at 12:30:09 <f at 0x7f00bb>"]
    assert rounds(next_call("t"), history(*(("t", each) for each in told))).times == 3
    assert rounds(next_call("t"), history(("t", "1 passed"), ("t", "2 passed"))).times == 2


def test_a_users_own_word_begins_anew_where_prose_is_answered() -> None:
    past = history(("a", "x"), ("a", "x"))
    spoken = replace(past, turns=(*past.turns, Turn("user", "once more")))
    assert refuse_repetition.apply(next_call("a"), spoken) == next_call("a")
    machine = replace(spoken, policy=Policy(prose="error"))
    assert isinstance(refuse_repetition.apply(next_call("a"), machine), Problem)


def test_the_means_grow_from_advice_to_a_stop() -> None:
    policy = Policy(prose="error", finish="use `submit`", patience=Patience(repeats=3, stop=9))
    seen = []
    for count in range(2, 9):
        found = refuse_repetition.apply(next_call("a"), history(*[("a", "x")] * count, policy=policy))
        assert isinstance(found, Problem)
        seen.append((found.reason, bool(found.hides), "Do not make it again" in found.advice))
    assert seen == [
        ("repeated-call", False, False),
        ("repeated-call", False, False),
        ("repeated-call", True, False),
        ("repeated-call", True, False),
        ("repeated-call", True, True),
        ("repeated-call", True, True),
        ("stuck", False, False),
    ]


def test_what_is_left_out_are_the_rounds_behind_the_first() -> None:
    past = history(*[("a", "x"), ("b", "y")] * 3)
    found = rounds(next_call("a"), past)
    assert (found.times, found.again) == (4, frozenset(range(5, 13)))
    kept = [turn for place, turn in enumerate(past.turns) if place not in found.again]
    assert kept == list(past.turns[:5])


def test_a_limit_of_zero_switches_it_off() -> None:
    past = history(*[("a", "x")] * 30, policy=Policy(patience=Patience(0, 0, 0, 0)))
    assert refuse_repetition.apply(next_call("a"), past) == next_call("a")


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("ls -la", "look"),
        ("cat a.py | head -3", "look"),
        ("cd src && grep -rn foo .", "look"),
        ("git diff", "look"),
        ("git diff -- a.py > patch.txt && cat patch.txt", "look"),
        ("sed -n 1,5p a.py", "look"),
        ("bash -c 'cat a.py'", "look"),
        ("cat a.py 2>/dev/null", "look"),
        ("python -m pytest -q", "check"),
        ("cd x && pytest tests/", "check"),
        ("python3 test_a.py", "check"),
        ("make test", "check"),
        ("sed -i s/a/b/ a.py", "edit"),
        ("cat > a.py <<'EOF'\nx\nEOF", "edit"),
        ("echo x > a.py", "edit"),
        ("rm -rf build", "edit"),
        ("git checkout a.py", "edit"),
        ("git commit -m x", "other"),
        ("find . -name x -delete", "other"),
        ("curl http://x", "other"),
        ("", "other"),
        ("bash -c 'rm a'", "edit"),
    ],
)
def test_what_a_command_does(command: str, kind: str) -> None:
    assert kind_of_command(command) == kind


def test_what_an_editor_does() -> None:
    assert kind_of(ToolCall("", "str_replace_editor", {"command": "view", "path": "/a"})) == "look"
    assert kind_of(ToolCall("", "str_replace_editor", {"command": "create", "path": "/a", "file_text": "x"})) == "edit"
    assert kind_of(ToolCall("", "read_file", {"path": "a"})) == "look"
    assert kind_of(ToolCall("", "search", {"query": "a"})) == "other"
    assert kind_of(ToolCall("", "execute_bash", "unreadable")) == "other"


@pytest.mark.parametrize(
    ("result", "failed"),
    [("3 passed", False), ("1 failed, 2 passed", True), ("Traceback (most recent call last):", True), ("", False), ("ok", False)],
)
def test_what_looks_failed(result: str, failed: bool) -> None:
    assert looks_failed(result) is failed
    assert looks_failed("." * 5000 + result + "." * 100) is failed


def test_an_idle_agent_is_asked_once_in_so_many_steps() -> None:
    policy = Policy(prose="error", finish="use `submit`", patience=Patience(idle=3))
    done = [("sed -i s/a/b/ x", ""), ("pytest", "1 passed")]
    asked = [
        isinstance(
            nudge_to_finish.apply(next_call("ls"), history(*done, *[(f"cat {at}", "x") for at in range(looks)], policy=policy)),
            Problem,
        )
        for looks in range(9)
    ]
    assert asked == [False, False, True, False, False, True, False, False, True]


@pytest.mark.parametrize("then", [("pytest", "1 failed"), ("sed -i s/b/c/ x", ""), ("pip install x", "")])
def test_who_goes_on_working_is_not_idle(then: tuple[str, str]) -> None:
    policy = Policy(prose="error", finish="use `submit`", patience=Patience(idle=3))
    past = history(("sed -i s/a/b/ x", ""), ("pytest", "1 passed"), ("ls", ""), then, ("ls", ""), policy=policy)
    assert nudge_to_finish.apply(next_call("ls"), past) == next_call("ls")


def test_results_belong_to_their_step() -> None:
    turns = (
        Turn("user", "go"),
        Turn("assistant", calls=(ToolCall("1", "f", {}), ToolCall("2", "g", {}))),
        Turn("tool", "one", answers="1"),
        Turn("tool", "two", answers="2"),
        Turn("assistant", "hm"),
    )
    [step] = steps(Conversation((), turns))
    assert (step.places, step.results) == ((1, 2, 3), ("one", "two"))
