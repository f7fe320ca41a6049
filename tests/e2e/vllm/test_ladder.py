"""A random model is held to a grammar by a real vLLM: whatever its weights say, the call comes out right.

The model's first answer is scripted and wrong, and so is the next one where words are asked for first; what then comes under the
grammar is left to its random weights. Random weights do not close their texts, so that some answers run into their cap: those
count as not finished, and nothing of them may be delivered.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from cases import KINDS, Kind, coded
from jsonschema import Draft202012Validator
from rungs import Rungs, Seen
from toolsets import TOOLSETS, Schema, declared
from wire import Answer, ask
from written import read_journals

from adapters.structured.forms import FORMS

pytestmark = [
    pytest.mark.e2e_vllm,
    pytest.mark.skipif(os.environ.get("TOOLMEND_E2E_VLLM") != "1", reason="needs TOOLMEND_E2E_VLLM=1"),
    pytest.mark.skipif(os.environ.get("TOOLMEND_E2E_DIRECT") == "1", reason="vLLM alone was asked for"),
]

wanted = os.environ.get("TOOLMEND_E2E_KINDS", ",".join(KINDS)).split(",")
kinds = pytest.mark.parametrize("kind", [KINDS[each] for each in wanted], ids=lambda kind: kind.name)
UNREADABLE = '<tool_call>\n{"name": "%s", "arguments": "{one: two: three"}\n</tool_call>'
MANY = {"members": 300, "arguments": 600, "call": 600}
"""Tokens that an answer may have, by what is asked for: a text of random weights seldom ends later."""


def some(schema: Schema) -> Any:
    """Return a right value."""
    if "$ref" in schema:
        return {"id": 1, "next": None}
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            return some(schema[keyword][0])
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if schema["type"] == "object":
        return {name: some(each) for name, each in schema["properties"].items() if name in schema.get("required", ())}
    if schema["type"] == "array":
        return [some(schema["items"])]
    return {"string": "some text", "integer": 7, "number": 7.5, "boolean": True}[schema["type"]]


def asked(kind: Kind, tools: dict[str, Schema], answers: list[str], about: str, **more: Any) -> dict[str, Any]:
    """Build a request whose first answers are scripted; all later ones are the weights'."""
    script = " ".join(f"[[say@{at}:{coded(text)}]]" for at, text in enumerate(answers, 1))
    body: dict[str, Any] = {
        "model": "tiny",
        "messages": [{"role": "user", "content": f"Go on with {about}. {script}"}],
        "tools": declared(tools),
        "max_tokens": MANY["members"],
        **more,
    }
    return body if kind.dialect == "gemma4" else body | {"chat_template_kwargs": {"enable_thinking": False}}


def check(answer: Answer, record: dict[str, Any], tools: dict[str, Schema], rung: str) -> Seen:
    """Hold what was delivered against the schemas: what was finished under the grammar is right, and nothing else is delivered."""
    attempts = record["attempts"]
    under = [each for each in attempts if each["rung"] == rung]
    assert len(under) == 1, attempts
    finished = under[0]["ending"] == "stop"
    if finished:
        assert (answer.status, answer.finish, len(answer.calls)) == (200, "tool_calls", 1), answer
        name, arguments = answer.calls[0]
        assert not list(Draft202012Validator(tools[name]).iter_errors(json.loads(arguments))), answer.calls
    else:
        assert not answer.calls or record["outcome"] == "failed-open", answer
    tokens = under[0]["usage"]["completion"]
    return Seen(finished, tokens, round(under[0]["seconds"] * 1000))


def journaled(folder: Path, turn: str) -> dict[str, Any]:
    """Return the record of a turn from a toolmend's journal; it is written behind the answer."""
    for _ in range(100):
        if turn in (records := read_journals(folder.parent)):
            return records[turn]
        time.sleep(0.05)
    pytest.fail(f"no record of {turn}")


every = [(name, tool) for name, tools in TOOLSETS.items() for tool in tools]


@pytest.mark.parametrize("way", ["whole", "stream"])
@pytest.mark.parametrize("rung", ["members", "arguments", "call"])
@pytest.mark.parametrize(("toolset", "tool"), every, ids=[f"{name}-{tool}" for name, tool in every])
@kinds
def test_a_call_that_was_finished_under_the_grammar_is_right(
    kind: Kind, toolset: str, tool: str, rung: str, way: str, toolmend: str, journal: Path, rungs: Rungs
) -> None:
    tools = TOOLSETS[toolset]
    required = tools[tool]["required"]
    if rung == "members" and not required:
        pytest.skip("nothing can be missing")
    given = {name: some(tools[tool]["properties"][name]) for name in required[:-1]}
    answers = {
        "members": [kind.write(tool, given)],
        "arguments": [UNREADABLE % tool] * 2,
        "call": [kind.write("open_the_pod_bay_doors", {"now": "yes"})] * 2,
    }[rung]
    body = asked(kind, tools, answers, f"{tool}, {rung}, {way}", max_tokens=MANY[rung])
    answer = ask(toolmend, body, stream=way == "stream")
    seen = check(answer, journaled(journal, answer.headers["x-toolmend-turn"]), tools, rung)
    rungs.add(kind.name, rung, toolset, seen)


LINES = 200
EDIT = {"str_replace_editor": TOOLSETS["openhands"]["str_replace_editor"]}


@pytest.mark.parametrize("way", ["whole", "stream"])
@kinds
def test_what_is_missing_costs_a_handful_of_tokens_and_not_the_file_once_more(
    kind: Kind, way: str, toolmend: str, journal: Path, in_words: tuple[str, Path], rungs: Rungs
) -> None:
    right = {"command": "create", "path": "/w/a.py", "file_text": "a += 1\n" * LINES, "security_risk": "LOW"}
    first, whole = (
        kind.write("str_replace_editor", {k: v for k, v in right.items() if k in names}) for names in (list(right)[:3], right)
    )
    extra = {}
    for name, url, folder in (("members", toolmend, journal), ("words", *in_words)):
        body = asked(kind, EDIT, [first, whole], f"{name}, {way}", max_tokens=2500)
        answer = ask(url, body, stream=way == "stream")
        assert [call for call, _ in answer.calls] == ["str_replace_editor"], answer
        made = json.loads(answer.calls[0][1])
        assert made | {"security_risk": "LOW"} == right
        attempt = journaled(folder, answer.headers["x-toolmend-turn"])["attempts"][1]
        assert attempt["rung"] == name
        extra[name] = Seen(True, attempt["usage"]["completion"], round(attempt["seconds"] * 1000))
    assert extra["members"].tokens * 10 < extra["words"].tokens
    rungs.compare(kind.name, way, extra["members"], extra["words"])


@pytest.mark.parametrize("way", ["whole", "stream"])
@kinds
def test_an_engine_that_fails_in_the_middle_of_a_grammar_is_asked_in_words(
    kind: Kind, way: str, toolmend: str, journal: Path
) -> None:
    level = {"enum": [kind.name, way]}  # a schema of its own: failures are remembered by schema
    tools = {"choice": {**TOOLSETS["shapes"]["choice"], "properties": {"level": level, "on": {"type": "boolean"}}}}
    right = {"level": way, "on": True}
    body = asked(kind, tools, [kind.write("choice", {"on": True}), kind.write("choice", right)], way)
    body["messages"][0]["content"] = f"[[say!:{coded('no JSON')}]] " + body["messages"][0]["content"]
    answer = ask(toolmend, body, stream=way == "stream")
    assert (answer.status, answer.finish) == (200, "tool_calls"), answer
    assert [(called, json.loads(arguments)) for called, arguments in answer.calls] == [("choice", right)]
    attempts = journaled(journal, answer.headers["x-toolmend-turn"])["attempts"]
    assert [(each["rung"], each["problem"]) for each in attempts] == [
        ("", "missing-arguments"),
        ("members", "broke-off"),
        ("words", ""),
    ]


STRICT = [KINDS[each] for each in wanted if each in ("qwen", "hermes")]


@pytest.mark.parametrize("kind", STRICT, ids=lambda kind: kind.name)
def test_a_demanded_call_is_held_to_its_schema(kind: Kind, vllm: str, toolmend: str, rungs: Rungs) -> None:
    """Blanks are made unlikely by nobody here: most answers of random weights under `strict` run on, and are asked for otherwise."""
    tools = {"choice": TOOLSETS["shapes"]["choice"], "either": TOOLSETS["shapes"]["either"]}
    judge = Draft202012Validator(tools["choice"])
    right = {"vLLM alone": 0, "vLLM alone, strict": 0, "through toolmend": 0}
    for seed in range(10):
        demand = {"tool_choice": {"type": "function", "function": {"name": "choice"}}, "seed": seed, "max_tokens": 120}
        body = asked(kind, tools, [], f"seed {seed}", **demand)
        strict = [{**each, "function": {**each["function"], "strict": True}} for each in body["tools"]]
        answers = (
            ask(vllm, body, stream=False),
            ask(vllm, body | {"tools": strict}, stream=False),
            ask(toolmend, body, stream=False),
        )
        for column, answer in zip(right, answers, strict=True):
            right[column] += len(answer.calls) == 1 and valid(judge, answer.calls[0][1])
    rungs.strict[kind.name] = right
    assert right["through toolmend"] >= max(right.values())


def valid(judge: Draft202012Validator, arguments: str) -> bool:
    try:
        return bool(judge.is_valid(json.loads(arguments)))
    except json.JSONDecodeError:
        return False


@pytest.mark.parametrize("kind", [KINDS["gemma4"]], ids=["gemma4"])
def test_blanks_are_bounded_by_a_tag_of_our_own_alone(kind: Kind, vllm: str, rungs: Rungs) -> None:
    schema = {"type": "object", "properties": {"a": {"enum": ["x", "y"]}, "b": {"enum": ["z"]}}, "required": ["a", "b"]}
    for form in FORMS[:2]:
        answers = [
            ask(
                vllm,
                {
                    "model": "tiny",
                    "messages": [{"role": "user", "content": "Go on."}],
                    **form.members(schema),
                    "seed": seed,
                    "max_tokens": 300,
                },
                stream=False,
            )
            for seed in range(20)
        ]
        rungs.blanks[form.name] = sum(answer.finish == "stop" for answer in answers)
    assert rungs.blanks["structural_tag"] == 20
