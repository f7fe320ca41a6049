"""The corpus as test cases: how a case is decoded, cut and scored (see tests/corpus/README.md)."""

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from adapters.base import Call, Dialect, Event, Markup, Text, Thinking
from adapters.blocks import BlockDecoder, grammar, merge
from rules.conversation import Tools, ToolSpec

CORPUS = Path(__file__).parents[2] / "corpus"


def cases_of(dialect: str) -> list[dict[str, Any]]:
    """Return the cases of one file."""
    return [json.loads(line) for line in (CORPUS / f"{dialect}.jsonl").read_text("utf-8").splitlines()]


def tools_of(case: dict[str, Any]) -> Tools:
    """Return the tools a case declares."""
    functions = (tool["function"] for tool in case["tools"])
    return tuple(ToolSpec(each["name"], each.get("description", ""), each.get("parameters", {})) for each in functions)


def decode(case: dict[str, Any], reads: Sequence[Dialect], pieces: Sequence[str]) -> list[Event]:
    """Return the events of a case that comes in these pieces, neighbours of one kind joined."""
    decoder = BlockDecoder(grammar(reads, tools_of(case)), "yes" if case.get("prompt_open_thinking") else "no")
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return merge([*events, *decoder.finish()])


def cuts(case: dict[str, Any]) -> Iterator[Sequence[str]]:
    """Yield the ways to cut a case: as it came, at every place, in single characters, in pieces of 3, 7 and 31."""
    raw = case["raw"]
    yield case.get("stream_chunks", [raw])
    yield from ([raw[:at], raw[at:]] for at in range(1, len(raw)))
    yield from ([raw[at : at + size] for at in range(0, len(raw), size)] for size in (1, 3, 7, 31))


def judge(case: dict[str, Any], events: Sequence[Event]) -> str:
    """Say what is wrong with the decoded events; nothing where they are right."""
    if "".join(event.raw for event in events) != case["raw"]:
        return "characters were lost"
    calls = [
        (event.call.name, _typed(event.call.name, event.call.arguments, case)) for event in events if isinstance(event, Call)
    ]
    content = "\n".join(_visible(events))
    thinking = "".join(event.text for event in events if isinstance(event, Thinking))
    if case["fault"] == "decoy" and len(calls) > max(len(each["calls"]) for each in _answers(case)):
        return "invented a call"
    if not case["repairable"]:
        return ""
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


# -- a stand-in for the rules that give text the types of the schema


@lru_cache(maxsize=1)
def _words() -> dict[str, Any]:
    return {"true": True, "false": False, "True": True, "False": False, "null": None, "None": None}


def _typed(name: str, arguments: Any, case: dict[str, Any]) -> Any:
    function = next((tool["function"] for tool in case["tools"] if tool["function"]["name"] == name), None)
    if function is None or isinstance(arguments, str):
        return arguments
    root = function.get("parameters", {})
    return {key: _value(value, root.get("properties", {}).get(key, {}), root) for key, value in arguments.items()}


def _kinds(schema: Any, root: Any) -> set[str]:
    if "$ref" in schema:
        target = root
        for key in schema["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        return _kinds(target, root)
    options = [kind for each in schema.get("anyOf", []) + schema.get("oneOf", []) for kind in _kinds(each, root)]
    own = schema.get("type", [])
    return {*options, *([own] if isinstance(own, str) else own)}


def _value(value: Any, schema: Any, root: Any) -> Any:
    kinds = _kinds(schema, root)
    if not isinstance(value, str) or not kinds or "string" in kinds:
        return value
    try:
        return _words()[value.strip()] if value.strip() in _words() else json.loads(value)
    except ValueError:
        return value
