"""How the scripted model writes its actions: as the client wants them, or as some family of models is used to."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote

from tests.e2e.openhands.answers import Answer, Parsed, Raw, WireCall
from tests.e2e.openhands.shapes import gemma, hermes, openhands, qwen
from tests.e2e.openhands.task import Call, Message, as_json, text_of

from .task import FIX, LOOK, SUBMIT_TOOL, Step

Form = Callable[[Sequence[Step]], Answer]
"""Writes the actions of one turn."""

_SEVERAL = re.compile(r"exactly one|only one|one (action|command|call)|more than one|several|multiple|found [2-9]", re.IGNORECASE)
_ROUND = re.compile(r"nothing new|same (call|thing)|again and again|something else|going round", re.IGNORECASE)
_HAND_IN = re.compile(r"hand it in|submit|COMPLETE_TASK", re.IGNORECASE)


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
    """Return a step as a call: of `submit` where that is a tool of its own, else of `bash`."""
    return Call("submit", {}) if step == SUBMIT_TOOL else Call("bash", {"command": step.command})


def _said(steps: Sequence[Step]) -> str:
    return f"THOUGHT: next I {' and '.join(step.name for step in steps)}."


def _text(write: Callable[[Step], str]) -> Form:
    return lambda steps: Raw("\n\n".join([_said(steps), *map(write, steps)]))


def _bare(write: Callable[[Step], str]) -> Form:
    """Write without a word before the action, where the client reads the whole answer as one."""
    return lambda steps: Raw("\n".join(map(write, steps)))


def _shell_word(step: Step) -> str:
    return step.command if step == SUBMIT_TOOL else f"bash -c {quote(step.command)}"


def _json(step: Step) -> str:
    call = call_of(step)
    return as_json({"thought": f"next: {step.name}", "command": {"name": call.name, "arguments": call.arguments}})


mswea_fence = _text(lambda step: f"```mswea_bash_command\n{step.command}\n```")
mswea_tag = _text(lambda step: f"<mswea_bash_command>{step.command}</mswea_bash_command>")
plain_fence = _text(lambda step: f"```\n{step.command}\n```")
command_tag = _text(lambda step: f"<command>\n{step.command}\n</command>")
function_tag = _text(lambda step: openhands(call_of(step)))
command_line = _bare(_shell_word)
json_object = _bare(_json)


def structured(steps: Sequence[Step]) -> Answer:
    """Write calls as a server sends them that has parsed them."""
    calls = (WireCall(call.name, as_json(call.arguments)) for call in map(call_of, steps))
    return Parsed(_said(steps), tuple(calls))


def _called(write: Callable[[Call], str]) -> Form:
    return _text(lambda step: write(call_of(step)))


def _two(asked: Asked) -> Answer:
    """Write two actions; once somebody says that it must be one, the first of them."""
    return asked.own(asked.steps[: 1 if _SEVERAL.search(asked.heard) else 2])


def _thinking(asked: Asked) -> Answer:
    """Write the action inside a thought that is never closed; asked again, close the thought first.

    Where calls are expected the action is Hermes text: a call that the server has parsed stands in no thought.
    """
    written = (_called(hermes) if asked.calls else asked.own)(asked.steps[:1])
    text = written.text if isinstance(written, Raw) else ""
    closed = "</think>\n\n" if asked.heard else ""
    return Raw(f"<think>\nI know what to do now.\n{closed}{text}")


def _reads_on(asked: Asked) -> Answer:
    """Look at the same file for ever where it should be set right; told that this leads nowhere, go on."""
    circles = asked.steps[0] == FIX and not _ROUND.search(asked.heard)
    return asked.own([LOOK] if circles else asked.steps[:1])


def _never_submits(asked: Asked) -> Answer:
    """Do the work, then look here and there for ever; told how the work is handed in, hand it in."""
    if asked.steps[0].name != "submit" or _HAND_IN.search(asked.heard):
        return asked.own(asked.steps[:1])
    return asked.own([Step("look", f"head -n {len(asked.since) + 1} calc.py", "")])


def _one(form: Form) -> Callable[[Asked], Answer]:
    return lambda asked: form(asked.steps[:1])


SHAPES: Mapping[str, Shape] = {
    shape.id: shape
    for shape in (
        Shape("own", "the client's own form, clean", lambda asked: asked.own(asked.steps[:1])),
        Shape("hermes", "Hermes JSON as text", _one(_called(hermes))),
        Shape("gemma", "Gemma 4's markers", _one(_called(gemma))),
        Shape("qwen", "Qwen's XML as text", _one(_called(qwen))),
        Shape("structured", "calls that the server has parsed", _one(structured)),
        Shape("two", "two actions in one turn", _two),
        Shape("thinking", "the action inside an unclosed thought", _thinking),
        Shape("reads-on", "its own form, and reads the same file for ever until it is told", _reads_on),
        Shape("never-submits", "its own form, and never hands in until it is told", _never_submits),
    )
}
