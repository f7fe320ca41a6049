"""The calls that are cut at every token, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cases import Calls, Kind, coded
from wire import Answer

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {"type": "object", "properties": properties, "required": required, "additionalProperties": False},
        },
    }
    for name, properties, required in (
        ("run", {"command": {"type": "string"}, "timeout": {"type": "integer"}}, ["command"]),
        (
            "write",
            {"path": {"type": "string"}, "text": {"type": "string"}, "modes": {"type": "array", "items": {"type": "string"}}},
            [],
        ),
    )
]

TURNS: dict[str, tuple[str, Calls]] = {
    "a dangerous command": ("I clean up.\n", [{"name": "run", "arguments": {"command": "rm -rf /srv/build/old", "timeout": 30}}]),
    "text and a list": (
        "",
        [{"name": "write", "arguments": {"path": "a/b.py", "text": 'if x == "}":\n    y = [1]\n', "modes": ["new", "dry"]}}],
    ),
    "two calls": (
        "",
        [{"name": "run", "arguments": {"command": "ls -la"}}, {"name": "write", "arguments": {"path": "x", "text": "{}"}}],
    ),
}
PROSE = "I was asked again, and I only talk about it now. " * 20


@dataclass(frozen=True, slots=True)
class Script:
    """A turn that the model is made to say."""

    kind: Kind
    name: str

    @property
    def calls(self) -> Calls:
        """The calls in it."""
        return TURNS[self.name][1]

    @property
    def text(self) -> str:
        """The turn as the model writes it."""
        said, calls = TURNS[self.name]
        return said + "\n".join(self.kind.write(call["name"], call["arguments"]) for call in calls)

    def body(self, limit: int, again: str = "") -> dict[str, Any]:
        """Return the request whose answer is cut at so many tokens. Asked again the model says the same, or what is given."""
        words = f"Go on. [[say:{coded(again or self.text)}]] [[say@1:{coded(self.text)}]]"
        body = {"model": "tiny", "messages": [{"role": "user", "content": words}], "tools": TOOLS, "max_tokens": limit}
        return body | ({} if self.kind.dialect == "gemma4" else {"chat_template_kwargs": {"enable_thinking": False}})

    def ended(self, raw: str) -> int:
        """Count the calls that are closed in a part of the text."""
        return raw.count("<tool_call|>" if self.kind.dialect == "gemma4" else "</tool_call>")


def scripts(kind: Kind) -> Iterator[Script]:
    """Yield what is cut on a server."""
    return (Script(kind, name) for name in TURNS)


@dataclass(slots=True)
class Cuts:
    """What became of the points at which answers were cut, on one server and in one way.

    shortened  calls that came as valid JSON, and are not what the model was about to say
    told       of these those whose `finish_reason` is not `length`
    """

    points: int = 0
    refused: int = 0
    shortened: int = 0
    told: int = 0
    broken: int = 0
    delivered: int = 0
    unsaid: int = 0
    wrong: list[str] = field(default_factory=list)

    def alone(self, script: Script, raw: str, answer: Answer) -> None:
        """Count what vLLM alone made of a cut."""
        self.points += 1
        self.refused += answer.status != 200
        parsed = [(_parsed(text), call["arguments"]) for (_, text), call in zip(answer.calls, script.calls, strict=False)]
        shortened = any(isinstance(each, dict) and each != meant for each, meant in parsed)
        self.shortened += shortened
        self.told += shortened and answer.finish != "length"
        self.broken += not shortened and any(each is None for each, _ in parsed)

    def through(self, script: Script, raw: str, answer: Answer) -> None:
        """Count what toolmend made of it: calls that had not ended, and answers that do not say that they were cut."""
        calls = [{"name": name, "arguments": _parsed(text)} for name, text in answer.calls]
        whole = script.ended(raw)
        cut = calls != script.calls[: len(calls)] or len(calls) > whole
        unsaid = answer.status != 200 or answer.finish != ("tool_calls" if calls else "length")
        self.delivered += cut
        self.unsaid += unsaid
        if cut or unsaid:
            self.wrong.append(f"{script.name}: {raw!r} -> {answer}")


CutTable = dict[tuple[str, str], Cuts]
"""(server, way) -> what became of the cuts."""


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None


def cut_table(cuts: CutTable) -> Iterator[str]:
    """Yield the table of the cuts, by server and way."""
    points = sum(each.points for (_, way), each in cuts.items() if way == "stream")
    yield TRUNCATION.format(points=points)
    yield (
        "| server | way | points | alone: refused | alone: cut arguments | alone: shortened | of these told as finished "
        "| through toolmend: cut calls delivered | not told as `length` |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for (server, way), each in cuts.items():
        counts = (each.points, each.refused, each.broken, each.shortened, each.told, each.delivered, each.unsaid)
        yield f"| {server} | {way} | {' | '.join(map(str, counts))} |"


TRUNCATION = """## Truncation

A few calls, cut by `max_tokens` at every single token before their end: {points} points, each whole and as a stream. Alone:
what vLLM makes of a call that was cut. *Shortened* are calls whose arguments are valid JSON, and not what the model was about to
say: a client runs them. Through toolmend: with asking again switched off, and twice more with it, where the model then says the
same and is cut once more, or only talks until it is cut. A call that had ended before the limit may be delivered; in any other
case `finish_reason` has to be `length`.
"""
