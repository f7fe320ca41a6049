"""Compares calls as JSON values, and says how they differ."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rules.conversation import Arguments, Json, ToolCall


def same_calls(calls: Sequence[ToolCall], wanted: Sequence[ToolCall]) -> bool:
    """Tell whether calls ask for the same, in the same order."""
    return len(calls) == len(wanted) and all(map(same_call, calls, wanted))


def same_call(one: ToolCall, other: ToolCall) -> bool:
    """Tell whether two calls are whole and ask for the same."""
    return one.whole and other.whole and one.name == other.name and same(_value(one.arguments), _value(other.arguments))


def _value(arguments: Arguments | str) -> Json:
    return arguments if isinstance(arguments, str) else dict(arguments)


def same(one: Json, other: Json) -> bool:
    """Tell whether two JSON values are equal: 5 is 5.0, but neither "5" nor true; the order of keys is free."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def difference(calls: Sequence[ToolCall], wanted: Sequence[ToolCall]) -> str:
    """Say how the first call differs that does."""
    if len(calls) != len(wanted):
        return f"{len(calls)} calls instead of {len(wanted)}"
    one, other = next(pair for pair in zip(calls, wanted, strict=True) if not same_call(*pair))
    if not one.whole:
        return f"{one.name}: not whole"
    if one.name != other.name:
        return f"{one.name!r} is called instead of {other.name!r}"
    if isinstance(one.arguments, str) or isinstance(other.arguments, str):
        return f"{one.name}: {one.arguments!r:.120} instead of {other.arguments!r:.120}"
    return f"{one.name}: {'; '.join(_members(one.arguments, other.arguments))}"


def _members(one: Arguments, other: Arguments) -> list[str]:
    """Say which members differ."""
    return [
        f"{name}: {_shown(one, name)} instead of {_shown(other, name)}"
        for name in sorted(one.keys() | other.keys())
        if (name in one) != (name in other) or not same(one[name], other[name])
    ]


def _shown(arguments: Arguments, name: str) -> str:
    return f"{json.dumps(arguments[name], ensure_ascii=False):.80}" if name in arguments else "nothing"
