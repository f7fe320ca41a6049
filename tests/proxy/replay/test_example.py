"""`toolmend example`: what it prints holds, and holds nothing that it does not need."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from adapters.registry import DIALECTS
from proxy.demo.speak import Said
from proxy.replay.source import lay_out, node_of
from rules.base import Example, asks, asks_with, declaring, repair
from rules.conversation import Conversation, Patience, Policy, ToolCall, ToolSpec, Turn
from rules.registry import RULES
from tests.adapters.models.corpus_cases import decode, grammar_of, judge
from tests.conftest import Proxy, Start
from tests.fake_vllm import Answer, FakeVllm
from tests.proxy.turns_kept import AS_TEXT, BASH, EMPTY, GOOD, OTHERS, history, kept, run

NAMES = {
    each.__name__: each
    for each in (Example, asks, asks_with, declaring, Conversation, Patience, Policy, ToolCall, ToolSpec, Turn)
}

OBJECT = "<tool_call>\n{'name': 'bash', 'arguments': {'command': 'ls'}}\n</tool_call>"
SERVED = [{"id": "s1", "type": "function", "function": {"name": "bash", "arguments": "{'command': 'ls',}"}}]

IN_RULES: dict[str, tuple[Sequence[Answer | str], str]] = {
    "a number as text": ([AS_TEXT], "coerce_number"),
    "words before the call": ([f"Well.\n{AS_TEXT}"], "coerce_number"),
    "a missing argument": ([EMPTY, GOOD], "missing-arguments"),
    "an unknown tool": ([GOOD.replace("bash", "frobnicate"), GOOD], "unknown-tool"),
    "a name in capitals": ([GOOD.replace("bash", "Bash")], "match_tool_name"),
    "nothing": (["", GOOD], "empty-turn"),
    "a call that is cut off": ([Said('<|tool_call>call:bash{command:<|"|>ls -l', finish="length"), GOOD], "truncated"),
    "the same call twice": ([GOOD + GOOD], "collapse_duplicates"),
    "arguments that the server passed on unread": ([Said(calls=SERVED)], "read_arguments"),
}

IN_TEXT: dict[str, tuple[Sequence[Answer | str], str, bool]] = {
    "an announcement": (["I go on. Let me look at it:", GOOD], "no-call", False),
    "a call that nobody can read": (["I go on.\n<tool_call>\n{{bash\n</tool_call>", GOOD], "unreadable-call", False),
    "a call that the server's parser lost": ([GOOD], "call-not-parsed", True),
    "a call in another dialect": ([OBJECT], "call-not-parsed", True),
}


async def printed(vllm: FakeVllm, url: str, folder: Path, stream: bool, *answers: Answer | str) -> str:
    vllm.says(*answers)
    await Proxy(url, vllm, stream).ask(messages=history(3), tools=[*OTHERS[:2], BASH, *OTHERS[2:]])
    await kept(folder)
    result = await run("example", "last", "--journal", folder)
    assert result.exit_code == 0, result.output
    return result.stdout


def read(source: str) -> Example:
    """Evaluate what was printed, as a rule's file would."""
    made = eval(source.rstrip().removesuffix(","), NAMES)
    assert isinstance(made, Example)
    return made


@pytest.mark.parametrize("name", IN_RULES)
async def test_the_example_of_a_rule_holds(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path, name: str) -> None:
    answers, reason = IN_RULES[name]
    source = await printed(vllm, await start(upstream=vllm.url, journal=tmp_path), tmp_path, stream, *answers)
    made = read(source)
    verdict = repair(made.before, made.within, RULES, trap=False)
    assert made.after == (verdict.problem.reason if verdict.problem else verdict.turn)
    assert made.after != made.before
    assert made.title == f"{reason}, as gemma-4-26b wrote it"
    assert reason in (*verdict.repairs, made.after)
    acting = source.splitlines()[0].removeprefix("# by ").partition(";")[0].split(", ")
    assert acting == [each.name for each in RULES if each.name in acting]
    assert [each.apply(made.before, made.within) == made.before for each in RULES if each.name == acting[0]] == [False]
    assert [tool.name for tool in made.within.tools] == (["other_a"] if reason in ("unknown-tool", "empty-turn") else ["bash"])
    assert made.within == Conversation(made.within.tools)
    assert "description" not in source
    assert "Well." not in source


@pytest.mark.parametrize("name", IN_TEXT)
async def test_the_line_of_the_corpus_holds(vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path, name: str) -> None:
    answers, reason, repairable = IN_TEXT[name]
    case = json.loads(await printed(vllm, await start(upstream=vllm.url, journal=tmp_path), tmp_path, stream, *answers))
    fields = ["id", "family", "dialect", "fault", "repairable", "raw", "tools", "expect", "source", "note", "origin"]
    assert list(case) == fields
    assert reason in case["id"]
    assert case["repairable"] is repairable
    assert case["raw"] == answers[0]
    assert len(case["tools"]) == 1
    using = grammar_of(case, [DIALECTS[case["dialect"].replace("-", "_")]])
    assert judge(case, decode(case, using, [case["raw"]])) == ""
    worse = {
        **case,
        "repairable": not repairable,
        "expect": {"calls": [{"name": "no", "arguments": {}}], "content": "", "reasoning": ""},
    }
    assert judge(worse, decode(case, using, [case["raw"]])) != ""


async def test_what_a_clients_policy_decides_is_a_rules_example(
    vllm: FakeVllm, start: Start, stream: bool, tmp_path: Path
) -> None:
    """The corpus knows no clients: that this one takes one call a turn only an example can say."""
    vllm.says(GOOD + GOOD.replace("ls -la", "pwd"))
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path), vllm, stream)
    await proxy.ask(messages=history(1), tools=[BASH], parallel_tool_calls=False)
    await kept(tmp_path)
    source = (await run("example", "last", "--journal", tmp_path)).stdout
    made = read(source)
    assert 'policy=Policy(several="first")' in source
    verdict = repair(made.before, made.within, RULES, trap=False)
    assert verdict.turn == made.after == asks("bash", command="ls -la")
    assert verdict.repairs == ("keep_first_call",)


async def test_what_goes_round_keeps_the_history_that_it_needs(vllm: FakeVllm, start: Start, tmp_path: Path) -> None:
    vllm.says(GOOD, GOOD.replace("ls -la", "pwd"))
    call = {"id": "", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls -la"}'}}
    rounds = [
        message
        for place in range(2)
        for message in (
            {"role": "assistant", "content": "", "tool_calls": [{**call, "id": f"r{place}"}]},
            {"role": "tool", "tool_call_id": f"r{place}", "content": "a.txt"},
        )
    ]
    proxy = Proxy(await start(upstream=vllm.url, journal=tmp_path), vllm, stream=False)
    await proxy.ask(messages=[*history(4), *rounds], tools=[BASH])
    await kept(tmp_path)
    made = read((await run("example", "last", "--journal", tmp_path)).stdout)
    assert made.after == "repeated-call"
    verdict = repair(made.before, made.within, RULES, trap=False)
    assert verdict.problem
    assert verdict.problem.reason == made.after
    assert len(made.within.turns) == 4


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([("I go on.\n" + "<pad>" * 600), GOOD], "no rule has to do with it: asked-again, model-degenerate, special-token-flood"),
    ],
)
async def test_where_no_example_is_possible_it_says_why(
    vllm: FakeVllm, start: Start, tmp_path: Path, answers: list[str], told: str
) -> None:
    vllm.says(*answers)
    await Proxy(await start(upstream=vllm.url, journal=tmp_path), vllm, stream=False).ask(tools=[BASH])
    await kept(tmp_path)
    result = await run("example", "last", "--journal", tmp_path)
    assert result.exit_code == 1
    assert told in result.stderr
    assert result.stdout == ""


VALUES: list[Any] = [
    *("", "it's", 'say "x"', "both ' and \"", "a\nb\t\\", "\ud83d", "\u2028é😀\x00\x7f", '\\"'),
    *(True, None, 5, -2.5, 1e300, float("inf"), 10**20),
    *([], {}, (), (1,), [1, [2, {"a": (3, 4)}]], {"": {'"': []}}, frozenset({"b", "a"})),
    {"long": ["x" * 60, "y" * 60, {"deep": "z" * 140}]},
    Turn("assistant", "words " * 30, calls=(ToolCall("c1", "bash", {"command": "x" * 90}, whole=False),), ending="length"),
    Conversation((ToolSpec("bash", "", {"type": "object"}),), policy=Policy(patience=Patience(repeats=5), fill={"a": [1]})),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_source_is_read_back_as_the_value(value: Any) -> None:
    assert eval(lay_out(node_of(value)), NAMES | {"frozenset": frozenset}) == value


@pytest.mark.skipif(find_spec("ruff") is None, reason="ruff is not installed")
@pytest.mark.parametrize(
    "value", [each for each in VALUES if not isinstance(each, float) and each != 10**20], ids=lambda value: type(value).__name__
)
def test_source_is_laid_out_as_ruff_does(value: Any) -> None:
    source = f"{lay_out(node_of(value))}\n"
    command = [sys.executable, "-m", "ruff", "format", "--line-length", "130", "-"]
    assert subprocess.run(command, input=source, capture_output=True, text=True, check=True).stdout == source
