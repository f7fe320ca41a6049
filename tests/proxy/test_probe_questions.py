"""What is asked and what the answers tell: those of four real vLLM 0.32 servers, recorded, and those of servers that do otherwise."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.registry import DIALECTS
from adapters.structured.forms import FORMS
from proxy.capabilities import Capabilities
from proxy.probe_questions import (
    Answer,
    Question,
    Refused,
    forced_text,
    form_question,
    parser_question,
    questions,
    strict_question,
)
from proxy.reading import Reader

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "probed.json").read_text())
"""Answers as they came, the events of a stream put together into one."""

WRITES = {"gemma4": "gemma4", "qwen": "qwen_xml", "hermes": "hermes_json", "plain": "gemma4"}
BEST = {"logprobs": True, "forms": {"structural_tag": True}, "structured_outputs": True, "thinking_switch": True}
FOUND: dict[str, dict[str, Any]] = {
    "gemma4": {"tool_parser": "gemma4", "reasoning_parser": "<|channel>", "strict": False},
    "qwen": {"tool_parser": "qwen_xml", "reasoning_parser": "<think>", "strict": True},
    "hermes": {"tool_parser": "hermes_json", "strict": True},
    "plain": {"tool_parser": "none"},
}


def heard(raw: str = "", limit: int | None = None, **delta: Any) -> Reader:
    """Return an answer of one event; without `raw` it has no log-probabilities."""
    reader = Reader("logprobs", limit)
    ends = [] if limit == 1 else [{"token": "<end>"}]
    logprobs = {"content": [{"token": raw}, *ends]} if raw else None
    finish = "length" if limit == 1 else "stop"
    reader.take_event({"choices": [{"delta": {"content": raw, **delta}, "logprobs": logprobs, "finish_reason": finish}]})
    reader.finish()
    return reader


def answered(asking: Generator[Question, Capabilities, None], known: Capabilities) -> Iterator[Question]:
    """Yield the next question, if there is one."""
    with suppress(StopIteration):
        yield asking.send(known)


def called(arguments: str) -> dict[str, Any]:
    return {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "probe", "arguments": arguments}}]}


def read(question: Question, answer: Answer, known: Capabilities | None = None) -> Capabilities:
    return question.read(known or Capabilities(), answer)


@pytest.mark.parametrize("kind", FOUND)
def test_real_servers_are_seen_as_they_were_started(kind: str) -> None:
    known = Capabilities()
    asking = questions(known, "tiny", WRITES[kind])
    question = next(asking)
    for number, each in enumerate(RECORDED[kind]["chat"]):
        question = asking.send(known) if number and question.name != each["question"] else question
        assert question.name == each["question"]
        if each["status"] != 200:  # no tool parser: `probe.py` learns it from the words, and asks the same without one
            known = replace(known, tool_parser="none")
            continue
        reader = Reader("logprobs", question.body["max_tokens"])
        reader.take_event(each["event"])
        reader.finish()
        known = question.read(known, reader)
    found = known.fields()
    assert found.pop("fingerprint").startswith("vllm-0.32.0-")
    assert found == BEST | FOUND[kind]


def test_the_first_question_is_harmless() -> None:
    body = next(questions(Capabilities(), "m", "hermes_json")).body
    grammar = body["response_format"]["format"]
    assert grammar["json_schema"] == {
        "type": "object",
        "properties": {"ok": {"const": True}},
        "required": ["ok"],
        "additionalProperties": False,
    }
    assert "tools" not in body
    assert body["max_tokens"] <= 64


def test_the_best_form_that_is_enforced_ends_the_search() -> None:
    asking = questions(Capabilities(), "m", "hermes_json")
    names = [next(asking).name]
    names.append(asking.send(Capabilities(forms={"structural_tag": False})).name)
    names.append(asking.send(Capabilities(forms={"structural_tag": False, "json_schema": True})).name)
    assert names == ["structural_tag", "json_schema", "strict"]  # no text can be forced without structural tags


def test_nothing_more_is_asked_of_a_server_that_enforces_nothing() -> None:
    asking, known = questions(Capabilities(), "m", "hermes_json"), Capabilities()
    question: Question | None = next(asking)
    for form in FORMS:
        assert question is not None
        assert question.name == form.name
        known = replace(known, forms={**known.forms, form.name: False})
        question = next(answered(asking, known), None)
    assert question is None


@pytest.mark.parametrize(
    ("answer", "enforced", "switch", "logprobs"),
    [
        (heard('{"ok": true}'), True, True, True),
        (heard(content='{"ok":true}\n'), True, True, False),
        (heard("Hello!"), False, None, True),
        (heard(content="Hello!"), False, None, False),
        (heard('{"ok": false}'), False, None, True),
        (heard("   \n" * 20, limit=1), False, None, True),
        (heard("<think>\nHello?\n</think>\n", content='{"ok": true}', reasoning="Hello?"), True, False, True),
        (heard("A greeting is asked for", content="", reasoning="A greeting is asked for", limit=1), None, False, True),
        (heard(), False, None, None),
        (Refused(400, "unknown response_format"), False, None, None),
        (Refused(500, "xgrammar cannot be used"), False, None, None),
    ],
)
def test_a_form_is_judged_by_what_came(answer: Answer, enforced: Any, switch: Any, logprobs: Any) -> None:
    known = read(form_question("m", FORMS[0]), answer)
    assert (known.structural_tag, known.thinking_switch, known.logprobs) == (enforced, switch, logprobs)


@pytest.mark.parametrize(
    ("arguments", "parser"),
    [
        ('{"way": "qwen_xml"}', "qwen_xml"),
        ('{"way":"\\nmimo\\n"}', "mimo"),  # a parser that keeps the lines around a value
        ('{"way": "mistral"}\n<tool_call>\n{"name": "probe"', "mistral"),  # one that takes all that follows
        ('{"way": "elsewhere"}', None),
        ("{}", None),
        ("", None),
    ],
)
def test_the_parser_is_known_by_the_call_that_it_reads(arguments: str, parser: str | None) -> None:
    known = read(parser_question("m", "mistral"), heard(forced_text("mistral")[0], **called(arguments)))
    assert known.tool_parser == parser
    assert known.structured_outputs is True


def test_a_text_that_was_not_forced_tells_nothing_of_parsers() -> None:
    known = read(parser_question("m", "hermes_json"), heard("Hello!"))
    assert (known.structured_outputs, known.tool_parser, known.reasoning_parser) == (False, None, None)
    blind = read(parser_question("m", "hermes_json"), heard(content="Hello!"), Capabilities(logprobs=False))
    assert blind.structured_outputs is None
    assert read(parser_question("m", "hermes_json"), Refused(400, "no")).structured_outputs is False


def test_a_thought_that_stays_in_the_text_tells_nothing_of_the_reasoning_parser() -> None:
    text, opener, _ = forced_text("qwen_xml")
    question = parser_question("m", "qwen_xml")
    assert read(question, heard(text)).reasoning_parser is None
    assert read(question, heard(text, content="<think>\nhm\n")).reasoning_parser == opener  # vLLM's qwen3, with thinking off
    assert read(question, heard(text, content="rest", reasoning="hm")).reasoning_parser == opener


@pytest.mark.parametrize(
    ("answer", "strict"),
    [
        (heard("x", **called('{"word": "yes"}')), True),
        (heard("x", **called('{"word": "\\n  yes\\n"}')), True),
        (heard("x", **called('{"word": "no"}')), False),
        (heard("x", **called("true")), False),
        (heard("no"), False),
        (heard('<tool_call>\n{"name": "probe", "arguments": {' + " \n" * 40, limit=1, **called("{")), None),
        (Refused(400, "strict"), False),
    ],
)
def test_strict_is_judged_by_the_arguments(answer: Answer, strict: Any) -> None:
    assert read(strict_question("m"), answer).strict is strict


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_text_of_ours_is_short_and_begins_with_the_models_own_format(dialect: str) -> None:
    text, opener, closer = forced_text(dialect)
    assert len(text) < 700
    assert text.startswith(opener)
    assert bool(opener) == bool(closer)
    ways = [text.find(each) for each in (dialect, "hermes_json", "qwen_xml", "gemma4") if each in text]
    assert len(ways) >= 3
    assert ways[0] == min(ways) or dialect not in text
