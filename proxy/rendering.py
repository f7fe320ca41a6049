"""How a record becomes one line of JSON: of bounded size, without secrets, and where the operator wants it without texts."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

import orjson

from proxy.record import Attempt, Final, FinalCall, Record
from proxy.redact import redact, redact_json, redact_line
from proxy.settings import Bodies
from rules.conversation import Json

HELD = 512 * 1024
"""Longest text that waits in the queue, in characters: far more than a record shows, so that no cut shows half a secret."""

Leaf: TypeAlias = Callable[[str, str], Json]
"""Makes what is written of a text, given the name of its field."""

NAMES = ("turn", "conversation", "client", "model", "dialect", "profile", "outcome", "fault", "reason", "upstream")
CONTENT = frozenset({"raw", "text", "arguments", "read", "served", "content", "reasoning", "stop", "error", "note"})
BODY = "body"
MOMENTS = ("ts", "since")
SPARE = 40
"""Bytes for the names of what stands beside a request."""
BODY_BYTES = 4 * 1024 * 1024
"""Longest request that waits in the queue: a longer one holds pictures, and is left out."""
PLAIN_NAME = re.compile(r"[\w.:/+#-]{1,200}", re.ASCII)
UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029]")
CUT = re.compile(r"\[(\d{1,12}) characters cut\]")
LADDER = (131_072, 49_152, 16_384, 4_096, 1_024, 256, 64)
ITEMS = 200
DEPTH = 32


def trimmed(record: Record) -> Record:
    """Cut texts that are longer than any record shows, so that the queue's memory is bounded."""
    attempts = tuple(_trimmed_attempt(each) for each in record.attempts)
    body = record.request.body if len(record.request.body) <= BODY_BYTES else b""
    asked = replace(record.request, tools=tuple(map(_held, record.request.tools)), body=body)
    names: dict[str, Any] = {name: _held(value) for name in NAMES if len(value := getattr(record, name)) > HELD}
    final = Final(_held(record.final.text), _held_calls(record.final.calls))
    known = replace(record.known, dropped=_held_calls(record.known.dropped))
    return replace(record, attempts=attempts, final=final, request=asked, known=known, **names)


def _trimmed_attempt(attempt: Attempt) -> Attempt:
    came = attempt.came
    came = replace(
        came,
        content=_held(came.content or "") if came.content else came.content,
        reasoning=_held(came.reasoning),
        calls=_held_calls(came.calls),
    )
    return replace(attempt, raw=_held(attempt.raw), problem=_held(attempt.problem), error=_held(attempt.error), came=came)


def _held_calls(calls: tuple[FinalCall, ...]) -> tuple[FinalCall, ...]:
    return tuple(FinalCall(_held(each.name), _held(each.arguments)) for each in calls)


def weight(record: Record) -> int:
    """Estimate the memory of a record in bytes."""
    came = [each.came for each in record.attempts]
    calls = [*record.final.calls, *record.known.dropped, *(call for each in came for call in each.calls)]
    texts = [
        *(text for each in record.attempts for text in (each.raw, each.error)),
        *(text for each in came for text in (each.content or "", each.reasoning)),
        *(text for each in calls for text in (each.name, each.arguments)),
        *(text for each in record.engine for text in (each.read, each.served)),
    ]
    return (
        2_000
        + len(record.final.text)
        + len(record.request.body)
        + sum(map(len, [*texts, *record.request.tools, *(getattr(record, name) for name in NAMES)]))
    )


def render(record: Record, bodies: Bodies, limit: int) -> bytes:
    """Write a record as one line of JSON of at most `limit` bytes, without secrets."""
    tree: Any = _tree(record, _shape if bodies == "off" else _redacted, "")
    body = redact_json(orjson.loads(record.request.body)) if record.request.body and bodies == "on" else None
    room = limit - min(len(record.request.body), limit // 2) if body is not None else limit
    for longest in LADDER:
        text = _text(tree)
        if len(text) <= room and len(_line(text)) <= room:
            break
        tree = _shrunk(tree, longest)
    size = len(_line(_text(tree)))
    if size > limit:
        return _line(_text({"ts": _moment(record.ts), "turn": _redacted("turn", record.turn[:100]), "cut": size}))
    if body is not None:
        _put_body(tree["request"], body, limit - size - SPARE)
    return _line(_text(tree))


def line_of(value: Any) -> bytes:
    """Write a short value (a dataclass) as one line of JSON, without secrets."""
    return _line(_text(_tree(value, _redacted, "")))


def _put_body(request: Any, whole: Json, room: int) -> None:
    """Put the client's request into a tree, its texts shortened until it takes so many bytes at most; else leave it out."""
    for longest in (0, *LADDER):
        value = _shortened(whole, longest) if longest else whole
        text = _text(value)
        if len(text) <= room and len(_line(text)) <= room:
            request[BODY], request["shortened"] = value, longest > 0
            return


def _shortened(value: Json, longest: int) -> Json:
    """Shorten the texts in JSON, and nothing else: a list that lost a member would be another request."""
    match value:
        case str():
            return _cut(value, longest)
        case list():
            return [_shortened(each, longest) for each in value]
        case dict():
            return {key: _shortened(each, longest) for key, each in value.items()}
        case _:
            return value


def _text(tree: Json) -> str:
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _line(text: str) -> bytes:
    text = UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", redact_line(text))
    return text.encode() + b"\n"


def _tree(value: Any, leaf: Leaf, name: str, depth: int = 0) -> Json:
    """Turn a value into what JSON can carry; every text, keys included, passes `leaf`."""
    if depth > DEPTH:
        return "[too deep]"
    match value:
        case None | bool() | int():
            return value
        case float():
            return (_moment(value) if name in MOMENTS else round(value, 6)) if math.isfinite(value) else str(value)
        case str():
            return leaf(name, value)
        case Mapping():
            return {str(leaf("key", str(key))): _tree(each, leaf, name, depth + 1) for key, each in value.items()}
        case list() | tuple():
            return [_tree(each, leaf, name, depth + 1) for each in value]
        case _ if is_dataclass(value):
            names = [each.name for each in fields(value) if each.name != BODY]
            return {"class" if key == "fault" else key: _tree(getattr(value, key), leaf, key, depth + 1) for key in names}
        case _:
            return leaf(name, str(value))


def _redacted(_name: str, text: str) -> Json:
    return redact(text).encode("utf-8", "backslashreplace").decode()  # half a character cannot be written otherwise


def _shape(name: str, text: str) -> Json:
    """Show how long a text is, and whether two are equal; names (codes, models, tools) stand where they look like names."""
    if name not in CONTENT and (not text or PLAIN_NAME.fullmatch(text)):
        return redact(text)
    return {"chars": len(text), "sha256": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]}


def _shrunk(value: Json, longest: int) -> Json:
    match value:
        case str():
            return _cut(value, longest)
        case list():
            kept = [_shrunk(each, longest) for each in value[:ITEMS]]
            return [*kept, f"[{len(value) - ITEMS} more items cut]"] if len(value) > ITEMS else kept
        case dict():
            return {_cut(key, longest): _shrunk(each, longest) for key, each in value.items()}
        case _:
            return value


def _cut(text: str, longest: int) -> str:
    """Keep both ends of a text, and say how much is missing between them."""
    if len(text) <= longest:
        return text
    half = longest // 2
    middle = text[half:-half]
    before = sum(int(each[1]) - len(each[0]) for each in CUT.finditer(middle))  # it may have been cut for the queue
    return f"{text[:half]}[{len(middle) + before} characters cut]{text[-half:]}"


def _held(text: str) -> str:
    return _cut(text, HELD)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
