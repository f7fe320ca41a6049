"""How the scripted model writes its actions: as the client wants them, or as some family of models is used to."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..openhands.answers import Answer, Parsed, Raw, WireCall
from ..openhands.shapes import gemma, hermes, qwen
from ..openhands.task import Call, Message, as_json, text_of
from .task import Step

Form = Callable[[Sequence[Step]], Answer]
"""Writes the actions of one turn."""

_SEVERAL = re.compile(r"exactly one|only one|one (action|command|call)|more than one|several|multiple|found [2-9]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the model goes by: the form its client wants, the steps left, and what was said since the last success."""

    own: Form
    calls: bool
    steps: Sequence[Step]
    since: Sequence[Message]

    @property
    def heard(self) -> str:
        """Return what others than the model said since the last success."""
        return "\n".join(text_of(message) for message in self.since if message.get("role") != "assistant")


@dataclass(frozen=True, slots=True)
class Shape:
    """One way of writing."""

    id: str
    does: str
    write: Callable[[Asked], Answer]


def call_of(step: Step) -> Call:
    """Return a step as a call of the one tool there is."""
    return Call("bash", {"command": step.command})


def _said(steps: Sequence[Step]) -> str:
    return f"THOUGHT: next I {' and '.join(step.name for step in steps)}."


def fence(steps: Sequence[Step]) -> Answer:
    """Write mini-swe-agent's fence."""
    return Raw("\n\n".join([_said(steps), *(f"```mswea_bash_command\n{step.command}\n```" for step in steps)]))


def tag(steps: Sequence[Step]) -> Answer:
    """Write mini-swe-agent's XML tag."""
    written = (f"<mswea_bash_command>{step.command}</mswea_bash_command>" for step in steps)
    return Raw("\n\n".join([_said(steps), *written]))


def structured(steps: Sequence[Step]) -> Answer:
    """Write calls as a server sends them that has parsed them."""
    calls = (WireCall(call.name, as_json(call.arguments)) for call in map(call_of, steps))
    return Parsed(_said(steps), tuple(calls))


def _text(write: Callable[[Call], str]) -> Form:
    return lambda steps: Raw("\n\n".join([_said(steps), *(write(call_of(step)) for step in steps)]))


def _two(asked: Asked) -> Answer:
    """Write two actions; once somebody says that it must be one, the first of them."""
    return asked.own(asked.steps[: 1 if _SEVERAL.search(asked.heard) else 2])


def _thinking(asked: Asked) -> Answer:
    """Write the action inside a thought that is never closed; asked again, close the thought first.

    Where calls are expected the action is Hermes text: a call that the server has parsed stands in no thought.
    """
    written = (_text(hermes) if asked.calls else asked.own)(asked.steps[:1])
    text = written.text if isinstance(written, Raw) else ""
    closed = "</think>\n\n" if asked.heard else ""
    return Raw(f"<think>\nI know what to do now.\n{closed}{text}")


def _one(form: Form) -> Callable[[Asked], Answer]:
    return lambda asked: form(asked.steps[:1])


SHAPES: Mapping[str, Shape] = {
    shape.id: shape
    for shape in (
        Shape("own", "the client's own form, clean", lambda asked: asked.own(asked.steps[:1])),
        Shape("hermes", "Hermes JSON as text", _one(_text(hermes))),
        Shape("gemma", "Gemma 4's markers", _one(_text(gemma))),
        Shape("qwen", "Qwen's XML as text", _one(_text(qwen))),
        Shape("structured", "calls that the server has parsed", _one(structured)),
        Shape("two", "two actions in one turn", _two),
        Shape("thinking", "the action inside an unclosed thought", _thinking),
    )
}
