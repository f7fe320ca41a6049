"""Says what in refused calls a dialect cannot write, and which of its own markers stands there, so that a person can agree."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from adapters.base import Dialect, Unwritable
from adapters.grammar import grammar
from rules.conversation import Json, ToolCall, Tools, ToolSpec
from rules.kinds import kind_of

_SAMPLE = ToolCall("", "alpha", {"beta": "gamma", "delta": "epsilon"})
_WORDS = re.compile(r"alpha|beta|gamma|delta|epsilon|\s+")


def what_is_refused(calls: Sequence[ToolCall], dialect: Dialect, refusal: str) -> tuple[str, str]:
    """Return the kind of what is refused, and a sample of it: the first name or argument that is refused alone as well.

    refusal  what the dialect said, for calls that are refused only as they stand together
    """
    for call in calls:
        if _refuses(dialect, ToolCall("", call.name, {})):
            return _named("name", call.name, dialect, call.name)
        for name, value in call.arguments.items() if not isinstance(call.arguments, str) else ():
            if _refuses(dialect, ToolCall("", call.name, {name: value})):
                kind = "key" if not _refuses(dialect, ToolCall("", call.name, {"key": value})) else kind_of(value)
                return _named(kind, name if kind == "key" else value, dialect, f"{call.name}.{name}")
    return refusal, " ".join(call.name for call in calls)


def _refuses(dialect: Dialect, call: ToolCall) -> bool:
    try:
        dialect.render((call,))
    except Unwritable:
        return True
    return False


def _named(kind: str, value: Json, dialect: Dialect, place: str) -> tuple[str, str]:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    marker = next((each for each in markers(dialect) if each in text), "")
    return f"{kind} with {marker}" if marker else f"{kind} without any marker", f"{place}: {text!r:.120}"


def markers(dialect: Dialect) -> list[str]:
    """List what a dialect's texts are made of, the longest first: its markers, and what stands between names and values."""
    tools: Tools = (ToolSpec("alpha"),)
    alone = grammar([dialect], tools)
    found = {*alone.forms, *alone.thoughts, *alone.closers, *alone.stray, *alone.ends, *alone.results, *_between(dialect)}
    return sorted((each for each in found if len(each) > 1 and "alpha" not in each), key=lambda each: (-len(each), each))


def _between(dialect: Dialect) -> Iterator[str]:
    try:
        yield from _WORDS.split(dialect.render((_SAMPLE,)))
    except Unwritable:
        return
