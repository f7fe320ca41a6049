"""The corpus as test cases: how a case is decoded, cut and scored (see tests/corpus/README.md)."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from adapters.base import Call, Dialect, Event, Markup, Text, Thinking
from adapters.decoding import decode as decode_text
from adapters.grammar import Grammar, grammar
from rules.base import repair
from rules.conversation import Conversation, Policy, Tools, ToolSpec, Turn
from rules.registry import RULES
from tests.adapters.models.cut_decoding import decode_pieces, in_even, in_two
from tests.linear import grows_linearly

CORPUS = Path(__file__).parents[2] / "corpus"
PLAIN = Policy()


def cases_of(dialect: str) -> list[dict[str, Any]]:
    """Return the cases of one file."""
    return [json.loads(line) for line in (CORPUS / f"{dialect}.jsonl").read_text("utf-8").splitlines()]


def tools_of(case: dict[str, Any]) -> Tools:
    """Return the tools a case declares."""
    functions = (tool["function"] for tool in case["tools"])
    return tuple(ToolSpec(each["name"], each.get("description", ""), each.get("parameters", {})) for each in functions)


def grammar_of(case: dict[str, Any], reads: Sequence[Dialect]) -> Grammar:
    """Return what to look for in a case."""
    return grammar(reads, tools_of(case))


def decode(case: dict[str, Any], using: Grammar, pieces: Sequence[str]) -> list[Event]:
    """Return the events of a case that comes in these pieces, neighbours of one kind joined."""
    return decode_pieces(pieces, using, "yes" if case.get("prompt_open_thinking") else "no")


def cuts(case: dict[str, Any]) -> Iterator[Sequence[str]]:
    """Yield the ways to cut a case in two, at every place."""
    return in_two(case["raw"])


def pieces(case: dict[str, Any]) -> Iterator[Sequence[str]]:
    """Yield a case as it came, in single characters, and in pieces of 3, 7 and 31."""
    raw = case["raw"]
    yield case.get("stream_chunks", [raw])
    yield from in_even(raw, 1, 3, 7, 31)


def judge(case: dict[str, Any], events: Sequence[Event], policy: Policy = PLAIN) -> str:
    """Say what is wrong with the decoded events once the rules have run; nothing where they are right."""
    if "".join(event.raw for event in events) != case["raw"]:
        return "characters were lost"
    thinking = "".join(event.text for event in events if isinstance(event, Thinking))
    content = "\n".join(_visible(events))
    ending = "length" if case.get("finish_reason") == "length" else "stop"
    turn = Turn("assistant", content, thinking, tuple(event.call for event in events if isinstance(event, Call)), ending=ending)
    verdict = repair(turn, Conversation(tools_of(case), policy=policy), RULES, trap=False)
    calls = [(call.name, call.arguments) for call in verdict.turn.calls]
    if not case["repairable"]:
        return "" if verdict.problem or not calls else f"would be executed: {calls!r:.200}"
    if verdict.problem and any(each["calls"] for each in _answers(case)):
        return f"refused: {verdict.problem.reason}"
    wrong = [_differs(answer, calls, content, thinking) for answer in _answers(case)]
    return "" if "" in wrong else wrong[0]


def _answers(case: dict[str, Any]) -> list[dict[str, Any]]:
    return [case["expect"], *case.get("alt_expect", [])]


def _differs(answer: dict[str, Any], calls: list[tuple[str, Any]], content: str, thinking: str) -> str:
    expected = [(each["name"], each["arguments"]) for each in answer["calls"]]
    if json.dumps(expected, sort_keys=True) != json.dumps(calls, sort_keys=True):
        return f"calls: {calls!r:.300} instead of {expected!r:.300}"
    if (answer["content"] or "").strip() != content.strip():
        return f"content: {content!r:.200}"
    if (answer["reasoning"] or "").strip() != thinking.strip():
        return f"reasoning: {thinking!r:.200}"
    return ""


def _visible(events: Sequence[Event]) -> list[str]:
    """Return the visible pieces between calls. Markup alone does not part them."""
    pieces = [""]
    for event in events:
        if isinstance(event, Text):
            pieces[-1] += event.raw
        elif not isinstance(event, Markup):
            pieces.append("")
    return [piece.strip() for piece in pieces if piece.strip()]


def decodes_linearly(dialects: Sequence[Dialect], unit: str, head: str = "", *, size: int = 40_000) -> bool:
    """Tell whether decoding costs linear time in text that repeats `unit` behind `head`."""
    tools = (ToolSpec("f", "", {"type": "object", "properties": {"a": {"type": "string"}}}),)
    using = grammar(dialects, tools)
    return grows_linearly(lambda text: decode_text(text, using), lambda length: head + unit * (length // len(unit)), size)
