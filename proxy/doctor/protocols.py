"""The two ways in which frameworks ask: with `tools`, and with the functions written into the prompt, as OpenHands does."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from adapters.base import Message
from adapters.clients.openai_chat import tools_of
from proxy.doctor import text_protocol as text
from proxy.doctor.judge import Wrong, invalid, quoted
from proxy.doctor.scenarios import Scenario
from proxy.doctor.wire import Answer
from rules.conversation import ToolCall, Tools

Name = Literal["native", "text"]


@dataclass(frozen=True, slots=True)
class Protocol:
    """A way to ask.

    opening  the messages that a scenario begins with
    members  what the request has besides messages
    read     takes the calls out of an answer as a framework does, strictly, and says what it has against them
    behind   the messages behind which the model goes on: its answer as it stands in the history, and the result of a call
    """

    name: Name
    opening: Callable[[Scenario], list[Message]]
    members: Callable[[Scenario], Mapping[str, Any]]
    read: Callable[[Answer, Tools], Sequence[ToolCall] | Wrong]
    behind: Callable[[Answer, ToolCall, str], list[Message]]


def without_call(answer: Answer) -> Wrong:
    """Say what an answer without a call is."""
    if answer.content.strip():
        return Wrong("no-call", f"it said {quoted(answer.content)}")
    if answer.reasoning.strip():
        return Wrong("only-thought", f"content is empty, and all stands in the reasoning: {quoted(answer.reasoning)}")
    return Wrong("empty", f"content is empty and there is no call (finish_reason {answer.finish})")


# -- with `tools`


def _opening(scenario: Scenario) -> list[Message]:
    said = [scenario.task, *filter(None, (scenario.notes,))]
    return [{"role": "system", "content": scenario.system}, *({"role": "user", "content": each} for each in said)]


def _read(answer: Answer, tools: Tools) -> Sequence[ToolCall] | Wrong:
    if not answer.calls:
        return without_call(answer)
    calls = [ToolCall(call.id, call.name, _object(call.arguments)) for call in answer.calls]
    return next((wrong for call in calls if (wrong := invalid(call, tools)) is not None), calls)


def _object(written: str) -> dict[str, Any] | str:
    try:
        value = json.loads(written)
    except (ValueError, RecursionError):
        return written
    return value if isinstance(value, dict) else written


def _behind(answer: Answer, call: ToolCall, result: str) -> list[Message]:
    calls = [
        {"id": each.id or f"call_{place}", "type": "function", "function": {"name": each.name, "arguments": each.arguments}}
        for place, each in enumerate(answer.calls)
    ]
    results = [
        {"role": "tool", "tool_call_id": made["id"], "content": result if each.id == call.id else "done"}
        for made, each in zip(calls, answer.calls, strict=True)
    ]
    return [{"role": "assistant", "content": answer.content or None, "tool_calls": calls}, *results]


NATIVE: Final = Protocol("native", _opening, lambda scenario: {"tools": tools_of(scenario.tools)}, _read, _behind)


# -- as text


def _read_text(answer: Answer, tools: Tools) -> Sequence[ToolCall] | Wrong:
    """Read an answer as OpenHands does. It takes a structured call as well, though it did not ask for one."""
    if answer.calls:
        return _read(answer, tools)
    found = text.read(answer.content, tools)
    return found if found is not None else without_call(answer)


def _behind_text(answer: Answer, call: ToolCall, result: str) -> list[Message]:
    said = text.prose(answer.content)
    written = text.write(call)
    return [
        {"role": "assistant", "content": f"{said}\n\n{written}" if said else written},
        {"role": "user", "content": f"EXECUTION RESULT of [{call.name}]:\n{result}"},
    ]


TEXT: Final = Protocol("text", text.opening, lambda _: {"stop": ["</function"]}, _read_text, _behind_text)

PROTOCOLS: Final[Mapping[Name, Protocol]] = {"native": NATIVE, "text": TEXT}
