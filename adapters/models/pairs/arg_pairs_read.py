"""Reads a whole call of keys and values. Values stay text, unless the model says of what type they are."""

from __future__ import annotations

from adapters.models.pairs.arg_pairs_tags import Tags
from adapters.models.pairs.arg_pairs_walk import Found, Pair, Walk
from rules.conversation import Json, ToolCall, Tools
from rules.read_json import Unreadable, read_json

SLICE = 4096


def read(tags: Tags, block: str, tools: Tools) -> tuple[ToolCall, ...] | None:
    """Read a block. Where something in it could not be placed, the arguments are its text."""
    walk = Walk(tags, tools)
    for at in range(0, len(block), SLICE):
        end = walk.feed(block[at : at + SLICE])
        if end is not None:
            break
    else:
        end = walk.finish()
    if end == "no":
        return None
    found = walk.found
    arguments = None if found.doubtful else _arguments(found, block)
    text = block.removeprefix(tags.opener("tool_call")).removesuffix(tags.closer("tool_call")).strip()
    return (ToolCall("", found.name, text if arguments is None else arguments, whole=found.closed),)


def _arguments(found: Found, block: str) -> dict[str, Json] | None:
    """Return the arguments; None where two values have one key."""
    out: dict[str, Json] = {}
    for pair in found.pairs:
        value = _value(pair, block)
        if pair.key in out and out[pair.key] != value:
            return None
        out[pair.key] = value
    return out


def _value(pair: Pair, block: str) -> Json:
    text = block[pair.start : pair.end]
    text = text.removesuffix("\n") if pair.framed else text
    if pair.type in ("", "string"):
        return text
    reading = read_json(text)
    return text if isinstance(reading, Unreadable) or not reading.strict else reading.value
