"""Calls in a history and the results directly behind them: found, taken apart, and shown as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from adapters.base import Message
from adapters.messages import text_of


@dataclass(frozen=True, slots=True)
class Run:
    """An assistant's message with calls, and the results that stand directly behind it."""

    message: Message
    results: tuple[Message, ...]

    @property
    def calls(self) -> list[Any]:
        """The entries of `tool_calls`, which may be anything."""
        calls: list[Any] = self.message["tool_calls"]
        return calls

    @property
    def flat(self) -> list[Message]:
        """The messages of this run, in order."""
        return [self.message, *self.results]


def runs(messages: Iterable[Message]) -> Iterator[Run | Message]:
    """Yield the messages in order, those of a run as one."""
    begun: Message | None = None
    results: list[Message] = []
    for message in messages:
        if begun is not None and is_result(message):
            results.append(message)
            continue
        if begun is not None:
            yield Run(begun, tuple(results))
        begun, results = (message, []) if has_calls(message) else (None, [])
        if begun is None:
            yield message
    if begun is not None:
        yield Run(begun, tuple(results))


def is_result(message: Message) -> bool:
    """Tell whether a message brings a tool's result. `function` is what the role was called first."""
    return message.get("role") in ("tool", "function")


def has_calls(message: Message) -> bool:
    """Tell whether a message is an assistant's with calls."""
    calls = message.get("tool_calls")
    return message.get("role") == "assistant" and isinstance(calls, list) and bool(calls)


def id_of(call: Any) -> str:
    """Return a call's id; empty: it has none that a result could name."""
    found = call.get("id") if isinstance(call, dict) else None
    return found if isinstance(found, str) else ""


def answers(result: Message) -> str:
    """Return the id of the call whose result a message says it is; empty: it does not say."""
    found = result.get("tool_call_id")
    return found if isinstance(found, str) else ""


def function_of(call: Any) -> Mapping[str, Any]:
    """Return the function of a call: its name and arguments, where there are any."""
    function = call.get("function") if isinstance(call, dict) else None
    return function if isinstance(function, dict) else {}


def name_of(call: Any) -> str:
    """Return the name of the tool that is called; empty: there is none."""
    name = function_of(call).get("name")
    return name.strip() if isinstance(name, str) else ""


def with_arguments(call: Message, arguments: str) -> Message:
    """Return a call with other arguments."""
    return {**call, "function": {**call["function"], "arguments": arguments}}


def with_calls(message: Message, calls: list[Any]) -> Message:
    """Return a message with other calls; without the member where there are none."""
    if calls:
        return {**message, "tool_calls": calls}
    return {name: value for name, value in message.items() if name != "tool_calls"}


def with_text(message: Message, text: str) -> Message:
    """Put text behind what a message says."""
    content = message.get("content")
    if isinstance(content, list):
        apart = "\n\n" if text_of(content) else ""
        return {**message, "content": [*content, {"type": "text", "text": f"{apart}{text}"}]}
    said = text_of(content).rstrip()
    return {**message, "content": f"{said}\n\n{text}" if said else text}


def as_user(result: Message, name: str) -> Message:
    """Show a result as a user's message that says which call it is of. Nothing of it is lost, an image neither."""
    call_id = answers(result)
    own = result.get("name")
    known = name or (own if isinstance(own, str) else "")
    head = f"Result of {known or 'a tool'}{f' (call {call_id})' if call_id else ''}:"
    content = result.get("content")
    if isinstance(content, list):
        return {"role": "user", "content": [{"type": "text", "text": f"{head}\n"}, *content]}
    said = content if isinstance(content, str) else "" if content is None else json.dumps(content, ensure_ascii=False)
    return {"role": "user", "content": f"{head}\n{said}"}


Say: TypeAlias = "Callable[[Any, Message | None], str | None]"
"""Says what a call, given its result, is to be shown as; None: it stays a call."""


def shown(messages: Iterable[Message], say: Say) -> list[Message]:
    """Show some calls as text of their message, and their results as user's messages behind the run."""
    out: list[Message] = []
    for each in runs(messages):
        out += _shown(each, say) if isinstance(each, Run) else [each]
    return out


def _shown(run: Run, say: Say) -> list[Message]:
    results = {answers(result): result for result in reversed(run.results)}
    said = [(call, say(call, results.get(id_of(call)))) for call in run.calls]
    texts = [text for _, text in said if text is not None]
    if not texts:
        return run.flat
    names = {id_of(call): name_of(call) for call, text in said if text is not None and id_of(call)}
    message = with_calls(run.message, [call for call, text in said if text is None])
    kept = [result for result in run.results if answers(result) not in names]
    moved = [as_user(result, names[answers(result)]) for result in run.results if answers(result) in names]
    return [with_text(message, "\n".join(texts)), *kept, *moved]
