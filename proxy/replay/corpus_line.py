"""Writes a recorded answer as a line of the corpus (tests/corpus/README.md): a text, and what is to be read in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from adapters.base import Call, Dialect, Text, Thinking
from adapters.decoding import decode
from adapters.grammar import grammar
from adapters.registry import DIALECTS
from proxy.failures.table import reason_of
from proxy.replay.first_answer import First
from proxy.replay.prune import few_tools, without_annotations
from proxy.replay.run import Entry
from rules.base import Verdict, repair
from rules.conversation import Conversation, Tools, ToolSpec, Turn
from rules.registry import RULES

FAULTS: Final = {
    "unreadable-call": "bad_json",
    "unreadable-arguments": "bad_json",
    "read_arguments": "bad_json",
    "recover_call_from_thinking": "thinking_in_content",
    "reread_call": "double_encoded",
    "read_shell_fence": "fenced",
}
"""Reason -> what the corpus calls it; an engine's fault is none of the text's."""

SURROGATE: Final = re.compile("[\ud800-\udfff]")
"""Half a character: legal in JSON as an escape, and in no other form."""


def corpus_line(entry: Entry, first: First) -> str | None:
    """Return the line; None where the corpus could not say it: it knows texts and tools, and neither clients nor histories."""
    raw = first.attempt["raw"]
    fault = "none" if entry["class"] == "engine-parser" else FAULTS.get(entry["reason"], entry["reason"].replace("-", "_"))
    found = _found(first)
    if not raw.strip() or found is None:
        return None
    dialect, turn, verdict, tools = found
    told = reason_of(entry["class"], entry["reason"])
    calls = [] if verdict.problem else [{"name": call.name, "arguments": call.arguments} for call in verdict.turn.calls]
    case = {
        "id": f"{_dashed(dialect.name)}-{_dashed(entry['reason'])}-{entry['turn']}",
        "family": entry["profile"],
        "dialect": _dashed(dialect.name),
        "fault": fault,
        "repairable": verdict.problem is None,
        "raw": raw,
        **({"prompt_open_thinking": True} if first.opened else {}),
        **({"finish_reason": "length"} if first.written.ending == "length" else {}),
        "tools": [_tool(each) for each in tools],
        "expect": {"calls": calls, "content": turn.text or None, "reasoning": turn.thinking or None},
        "source": f"a journal, turn {entry['turn']}",
        "note": told.what if told else entry["reason"],
        "origin": "recorded",
    }
    text = json.dumps(case, ensure_ascii=False)
    return text if text.isascii() or not SURROGATE.search(text) else json.dumps(case)


def _tool(tool: ToolSpec) -> dict[str, Any]:
    return {"type": "function", "function": {"name": tool.name, "parameters": without_annotations(tool.parameters)}}


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _found(first: First) -> tuple[Dialect, Turn, Verdict, Tools] | None:
    """Find a dialect that alone reads the text as it was read in the turn, with as few tools as it takes."""
    tools = first.plan.conversation.tools
    wanted = repair(first.written, first.plan.conversation, RULES)
    for chosen in (few_tools(tools, (*first.written.calls, *wanted.turn.calls)), tools):
        for dialect in _dialects(first):
            turn = _read(first, dialect, chosen)
            verdict = repair(turn, Conversation(chosen), RULES)
            same = _calls(turn) == _calls(first.written) and _calls(verdict.turn) == _calls(wanted.turn)
            if same and bool(verdict.problem) == bool(wanted.problem):
                return dialect, turn, verdict, chosen
    return None


def _calls(turn: Turn) -> list[tuple[str, Any]]:
    return [(call.name, call.arguments) for call in turn.calls]


def _dialects(first: First) -> Iterator[Dialect]:
    return (DIALECTS[name] for name in first.plan.reads())


def _read(first: First, dialect: Dialect, tools: Tools) -> Turn:
    events = decode(first.attempt["raw"], grammar([dialect], tools), "yes" if first.opened else "no")
    calls = tuple(event.call for event in events if isinstance(event, Call))
    thinking = "".join(event.text for event in events if isinstance(event, Thinking)).strip()
    said: list[str] = [""]
    for event in events:
        if isinstance(event, Text):
            said[-1] += event.raw
        elif isinstance(event, (Call, Thinking)):
            said.append("")
    content = "\n".join(piece.strip() for piece in said if piece.strip())
    return Turn("assistant", content, thinking, calls, ending=first.written.ending)
