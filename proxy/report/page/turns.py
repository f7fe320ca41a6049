"""Makes what the page shows of a turn: what the model wrote beside what the client got. Plain values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from proxy.failures.table import reason_of
from proxy.records.read import Entry
from proxy.report.marks import RUNGS, Piece, pieces, visible
from proxy.report.page import fields

LONGEST: Final = 4_000
"""Characters of a text that are shown; both ends of a longer one."""

MARKED: Final = 400
"""Parts of a text that are shown each for itself; what comes behind them is shown as it is."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call as the client got it; `arguments` is JSON text."""

    name: str
    arguments: Sequence[Piece]


@dataclass(frozen=True, slots=True)
class Answer:
    """One question to the model, and what came of it."""

    number: int
    asked: str
    problem: str
    facts: Sequence[str]
    error: Sequence[Piece]
    raw: Sequence[Piece]
    reasoning: Sequence[Piece]


@dataclass(frozen=True, slots=True)
class EngineFault:
    """What the server's own parser got wrong."""

    name: str
    issues: str
    read: Sequence[Piece]
    served: Sequence[Piece]


@dataclass(frozen=True, slots=True)
class Row:
    """A turn in the line of its conversation.

    moment  when it ended, in seconds since 1970; 0: not known
    rungs   a name for each answer; the first one's is empty
    """

    moment: float
    ts: str
    turn: str
    conversation: str
    outcome: str
    fault: str
    reason: str
    rungs: Sequence[str]
    tokens: int
    extra: int
    seconds: float
    messages: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A turn in full. `steps` are what was done to it, by the name of the record's field."""

    row: Row
    facts: Sequence[str]
    explained: str
    change: str
    answers: Sequence[Answer]
    steps: Sequence[tuple[str, str]]
    engine: Sequence[EngineFault]
    text: Sequence[Piece]
    calls: Sequence[Call]

    @property
    def size(self) -> int:
        """How many characters of texts it holds."""
        answers = (part for each in self.answers for part in (each.error, each.raw, each.reasoning))
        faults = (part for each in self.engine for part in (each.read, each.served))
        return sum(
            len(text) for part in (*answers, *faults, self.text, *(each.arguments for each in self.calls)) for _, text in part
        )


def row_of(entry: Entry, moment: float) -> Row:
    """Return the line of a turn, which ended at a moment (seconds since 1970)."""
    usage = fields.mapping(entry.get("usage"))
    return Row(
        moment,
        fields.line(entry.get("ts")),
        fields.line(entry.get("turn")),
        fields.line(entry.get("conversation")) or "(none)",
        fields.line(entry.get("outcome")),
        fields.line(entry.get("class")),
        fields.line(entry.get("reason")),
        [fields.line(each.get("rung")) for each in fields.mappings(entry.get("attempts"))],
        int(fields.number(usage.get("total"))),
        int(fields.number(usage.get("extra"))),
        fields.number(fields.mapping(entry.get("timings")).get("total")),
        int(fields.number(fields.mapping(entry.get("request")).get("messages"))),
    )


def shown(entry: Entry, row: Row) -> Shown:
    """Return a turn in full; long texts are cut, and it is said where."""
    final = fields.mapping(entry.get("final"))
    known = reason_of(row.fault, row.reason)
    setting = f"setting {known.setting}" if known and known.setting else ""
    return Shown(
        row,
        list(_facts(entry)),
        f"{known.what} {known.done}" if known else "",
        "; ".join(filter(None, (known.change, setting))) if known else "",
        [_answer(number, each) for number, each in enumerate(fields.mappings(entry.get("attempts")), 1)],
        [
            (key, ", ".join(map(visible, found)))
            for key in ("repairs", "healed", "skipped_rules")
            if (found := fields.words(entry.get(key)))
        ],
        [_fault(each) for each in fields.mappings(entry.get("engine"))],
        parts(final.get("text")),
        [Call(fields.line(each.get("name")), parts(each.get("arguments"))) for each in fields.mappings(final.get("calls"))],
    )


def _facts(entry: Entry) -> Iterator[str]:
    request = fields.mapping(entry.get("request"))
    tools = len(fields.words(request.get("tools")))
    yield from filter(None, (fields.line(entry.get("client")), fields.line(entry.get("model"))))
    for name in ("profile", "dialect", "mode"):
        if entry.get(name):
            yield f"{name} {fields.line(entry[name])}"
    yield "stream" if request.get("stream") else "whole"
    yield f"{int(fields.number(request.get('messages')))} messages, {tools} tools"


def _answer(number: int, attempt: Mapping[str, Any]) -> Answer:
    came, rung = fields.mapping(attempt.get("came")), fields.line(attempt.get("rung"))
    return Answer(
        number,
        RUNGS.get(rung, rung),
        fields.line(attempt.get("problem")),
        list(_came(attempt, came)),
        parts(attempt.get("error")),
        parts(attempt.get("raw")),
        parts(came.get("reasoning")),
    )


def _came(attempt: Mapping[str, Any], came: Mapping[str, Any]) -> Iterator[str]:
    usage = fields.mapping(attempt.get("usage"))
    yield f"ended: {fields.line(attempt.get('ending'))}"
    if came.get("finish"):
        yield f"finish_reason {fields.line(came['finish'])}"
    yield f"{int(fields.number(usage.get('prompt'))):,} + {int(fields.number(usage.get('completion'))):,} tokens"
    yield f"{fields.number(attempt.get('seconds')):.2f} s"
    if attempt.get("http") not in (None, 200):
        yield f"HTTP {fields.line(attempt['http'])}"


def _fault(fault: Mapping[str, Any]) -> EngineFault:
    name = f"{fields.line(fault.get('kind'))}: {fields.line(fault.get('known_as')) or 'a fault that is not known by name'}"
    return EngineFault(
        name, ", ".join(map(visible, fields.words(fault.get("issues")))), parts(fault.get("read")), parts(fault.get("served"))
    )


def parts(value: Any) -> list[Piece]:
    """Return the parts of a text. Of one that is too long only both ends are kept, and what is missing between them is said."""
    text = fields.text(value)
    if len(text) <= LONGEST:
        return _bounded(text)
    half = LONGEST // 2
    missing: Piece = ("cut", f"{len(text) - 2 * half:,} characters are left out here")
    return [*_bounded(text[:half]), missing, *_bounded(text[-half:])]


def _bounded(text: str) -> list[Piece]:
    found = pieces(text)
    first = list(islice(found, MARKED))
    rest = "".join(part for _, part in found)
    return [*first, ("text", rest)] if rest else first
