"""When an answer is right: the rules of tests/corpus/README.md.

Reasoning is left out, since servers without a reasoning parser have none, and whitespace between pieces of text is not counted.
"""

from __future__ import annotations

import json
from typing import Any

from cases import ASKED, Calls, Case, good_call
from wire import Answer


def fault(case: Case, answer: Answer) -> str:
    """Say in a few words what is wrong with an answer; empty where it is right."""
    if answer.status != 200 or answer.error:
        return f"HTTP {answer.status}" if answer.status != 200 else "error in the stream"
    calls: Calls = []
    for name, text in answer.calls:
        try:
            calls.append({"name": name, "arguments": json.loads(text)})
        except json.JSONDecodeError:
            return f"not JSON: {name}({text})"
    if not case["repairable"] or case["id"] in ASKED:
        return "" if not calls or same(calls, good_call(case)) else f"let through: {_short(calls)}"
    accepted = [case["expect"], *case.get("alt_expect", ())]
    if not any(same(calls, right["calls"]) for right in accepted):
        return _wrong_calls(calls, case["expect"]["calls"])
    texts = [right["content"] or "" for right in accepted if same(calls, right["calls"])]
    told = _letters(answer.content)
    return "" if told in map(_letters, texts) else f"text: {answer.content.strip()!r} for {texts[0]!r}"


def _letters(text: str) -> str:
    """Drop whitespace: pieces around a call are joined by a newline in the corpus, and by nothing in a stream."""
    return "".join(text.split())


def _wrong_calls(calls: Calls, wanted: Calls) -> str:
    if not calls:
        return "call lost"
    if len(calls) > len(wanted):
        return f"invented: {_short(calls)}"
    return f"wrong: {_short(calls)}"


def _short(calls: Calls) -> str:
    return " ".join(f"{call['name']}({json.dumps(call['arguments'], ensure_ascii=False)})" for call in calls)


def same(calls: Calls, wanted: Calls) -> bool:
    """Compare calls as JSON values: 5 equals 5.0, true does not equal 1, key order is free."""
    return json.dumps(_plain(calls), sort_keys=True) == json.dumps(_plain(wanted), sort_keys=True)


def _plain(value: Any) -> Any:
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case _:
            return value
