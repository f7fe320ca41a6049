"""What the scripted model can answer: raw text, or a message that its server has already parsed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .task import Call, as_json


@dataclass(frozen=True, slots=True)
class Raw:
    """The text as the model wrote it, sent by a server without a tool parser."""

    text: str
    finish: Literal["stop", "length"] = "stop"


@dataclass(frozen=True, slots=True)
class WireCall:
    """A call as a server sends it: the arguments are whatever stood where JSON should stand."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """A message as a server sends it that parses calls itself."""

    content: str | None = None
    calls: tuple[WireCall, ...] = ()


Answer = Raw | Parsed
"""One answer of the model."""

Write = Callable[[Call], Answer]
"""Writes a call down, rightly or with the fault of a case."""


def parsed_call(call: Call) -> Parsed:
    """Write a call as a server does that parsed it."""
    return Parsed(calls=(WireCall(call.name, as_json(call.arguments)),))
