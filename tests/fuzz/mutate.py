"""Changes a request as an attacker or a broken client would: a value, a member, the nesting, or plain bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any, Final

ODD: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1, 2, 10**6, 2**63, 2**70, -(2**70), 0.5, 1e308, -0.0, 5e-324),
    *(
        "",
        " ",
        "x",
        "\x00",
        "\n",
        "\u2028",
        "\ufeff",
        "é😀",
        "auto",
        "none",
        "required",
        "stop",
        "{",
        "[]",
        "<tool_call>",
        "x" * 5000,
    ),
    *([], {}, [None], [[]], [{}], {"": ""}, {"$ref": "#"}, {"type": "object"}, {"type": []}, ["a", 1], {"role": "user"}),
)
"""What a value is replaced by."""

NAMES: Final = (
    *("", "messages", "tools", "tool_choice", "stream", "stream_options", "n", "stop", "max_tokens", "model", "logprobs", "seed"),
    *("role", "content", "tool_calls", "tool_call_id", "function", "arguments", "name", "id", "type", "text", "parameters"),
    *(
        "properties",
        "required",
        "enum",
        "items",
        "$ref",
        "$defs",
        "anyOf",
        "additionalProperties",
        "pattern",
        "format",
        "default",
    ),
    *("chat_template_kwargs", "enable_thinking", "reasoning_content", "response_format", "structured_outputs", "functions"),
    *("max_completion_tokens", "continue_final_message", "add_generation_prompt", "echo", "parallel_tool_calls", "strict"),
)
"""How a member is named anew."""

TEXTS: Final = (
    *("1e999", "NaN", "-", "1" * 400, '"\\ud800"', '"\\u0000"', '"\\x"', "\ufeff", "[" * 300 + "]" * 300, "[" * 2000, "{}", "//"),
    *('{"a":1,"a":2}', "tru", '"open', ",", ":", "}", "]"),
)
"""What is written into the text of a request: a few of these are JSON, most are not."""

Path = tuple[Any, ...]


def places(value: Any, path: Path = ()) -> list[Path]:
    """List the ways to every value inside a value, the value itself first."""
    found = [path]
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += places(inner, (*path, key))
    return found


def changed(value: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """Return a value with the one at a place changed."""
    if not path:
        return change(value)
    inner = changed(value[path[0]], path[1:], change)
    if isinstance(value, dict):
        return {**value, path[0]: inner}
    return [*value[: path[0]], inner, *value[path[0] + 1 :]]


def _replaced(chance: Random, _: Any) -> Any:
    return chance.choice(ODD)


def _wrapped(chance: Random, value: Any) -> Any:
    for _ in range(chance.choice((1, 1, 2, 30, 90, 300))):
        value = [value] if chance.random() < 0.5 else {chance.choice(NAMES): value}
    return value


def _more(chance: Random, value: Any) -> Any:
    if isinstance(value, dict):
        return {**value, chance.choice(NAMES): chance.choice((*ODD, *value.values()))}
    if isinstance(value, list):
        return [*value, chance.choice((*ODD, *value))] if chance.random() < 0.8 else value * chance.choice((2, 50))
    return f"{value}{chance.choice(ODD)}"


def _fewer(chance: Random, value: Any) -> Any:
    if isinstance(value, dict) and value:
        left = chance.choice(list(value))
        return {name: each for name, each in value.items() if name != left}
    if isinstance(value, list) and value:
        at = chance.randrange(len(value))
        return value[:at] + value[at + 1 :]
    return str(value)[: chance.randrange(1 + len(str(value)))]


def _renamed(chance: Random, value: Any) -> Any:
    if not isinstance(value, dict) or not value:
        return chance.choice(ODD)
    old = chance.choice(list(value))
    return {chance.choice(NAMES) if name == old else name: each for name, each in value.items()}


def _shuffled(chance: Random, value: Any) -> Any:
    if not isinstance(value, (dict, list)):
        return value
    items = list(value.items()) if isinstance(value, dict) else list(value)
    chance.shuffle(items)
    return dict(items) if isinstance(value, dict) else items


def _as_text(chance: Random, value: Any) -> Any:
    return json.dumps(value)


STRUCTURE: Final = (_replaced, _replaced, _wrapped, _more, _more, _fewer, _fewer, _renamed, _shuffled, _as_text)


def restructured(chance: Random, value: Any) -> Any:
    """Change a value at one place."""
    change = chance.choice(STRUCTURE)
    return changed(value, chance.choice(places(value)), lambda found: change(chance, found))


def rewritten(chance: Random, raw: bytes) -> bytes:
    """Change the bytes at one place."""
    at = chance.randrange(len(raw) + 1)
    until = min(len(raw), at + chance.choice((0, 0, 1, 1, 2, 8, 100)))
    new = chance.choice((b"", chance.randbytes(1), chance.randbytes(4), raw[at:until] * 2, chance.choice(TEXTS).encode()))
    return raw[:at] + new + raw[until:]


def mutated(chance: Random, raw: bytes) -> bytes:
    """Return a request with one to four changes: of what it says while that can be read, or of its bytes."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        try:
            value = json.loads(raw) if chance.random() < 0.8 else None
        except (ValueError, RecursionError):
            value = None
        raw = rewritten(chance, raw) if value is None else json.dumps(restructured(chance, value)).encode()
    return raw
