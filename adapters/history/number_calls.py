"""Ids of past calls that are missing, empty or used before, and of their results."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from adapters.base import Message
from adapters.history.base import Example, Messages, Terms, step
from adapters.history.runs import Run, answers, id_of, name_of, runs
from adapters.history.samples import USER, asks, call, result

_NONE = {"type": "function", "function": {"name": "bash", "arguments": "{}"}}


@dataclass(slots=True)
class _Ids:
    """The ids given so far, and how many calls there were."""

    given: set[str] = field(default_factory=set)
    calls: int = 0

    def settle(self, wanted: str, taken: Iterable[str]) -> str:
        """Return the id of the next call: the one it wants, if it is the first, else one made of its place.

        Nine letters and digits are what every template bears: Mistral's wants exactly those.
        """
        self.calls += 1
        number, found = self.calls, wanted
        while not found or found in self.given or (found != wanted and found in taken):
            found = f"c{number:08d}"
            number += 1
        self.given.add(found)
        return found


@step(
    "form",
    Example(
        "no ids",
        [asks(_NONE), {"role": "tool", "content": "a.py"}],
        [asks({**_NONE, "id": "c00000001"}), result("c00000001")],
    ),
    Example(
        "an id once more",
        [asks(call("c1")), result("c1"), asks(call("c1")), result("c1", "b.py")],
        [asks(call("c1")), result("c1"), asks(call("c00000002")), result("c00000002", "b.py")],
    ),
    Example(
        "an id twice in a turn",
        [asks(call("c1"), call("c1")), result("c1"), result("c1", "b.py")],
        [asks(call("c1"), call("c00000002")), result("c1"), result("c00000002", "b.py")],
    ),
    Example(
        "ids of their own, in any order",
        [USER, asks(call("c1"), call("c2")), result("c2"), result("c1")],
        [USER, asks(call("c1"), call("c2")), result("c2"), result("c1")],
    ),
    Example("a result of another call", [asks(call("c1")), result("c7")], [asks(call("c1")), result("c7")]),
)
def number_calls(messages: Messages, terms: Terms) -> Messages:  # noqa: ARG001 - as every step
    """Give each past call an id of its own, and its result the same.

    Why: templates look a result's tool up by its id (Gemma's take the last call of that id, whatever tool it was), and refuse
        calls without one.
    Safety: an id says nothing but which result belongs to which call. A result without an id belongs to the first call of its
        turn that has none yet; a result with the id of no call of its turn belongs to none. The ids are made of the call's place.
    """
    ids = _Ids()
    out: Messages = []
    for each in runs(messages):
        out += _numbered(each, ids) if isinstance(each, Run) else [each]
    return out


def _numbered(run: Run, ids: _Ids) -> list[Message]:
    taken = {answers(each) for each in run.results}
    calls = [{**each, "id": ids.settle(id_of(each), taken)} if isinstance(each, dict) else each for each in run.calls]
    waiting = [(old, new) for old, new in zip(run.calls, calls, strict=True) if isinstance(new, dict)]
    message = run.message if calls == run.calls else {**run.message, "tool_calls": calls}
    return [message, *(_matched(each, waiting) for each in run.results)]


def _matched(result: Message, waiting: list[tuple[Any, Any]]) -> Message:
    """Give a result the id of its call, which then waits no longer."""
    wanted = answers(result)
    found = next((pair for pair in waiting if (id_of(pair[0]) == wanted if wanted else _fits(result, pair[0]))), None)
    if found is None:
        return result
    waiting.remove(found)
    kept = wanted == found[1]["id"] and result.get("role") == "tool"
    return result if kept else {**result, "role": "tool", "tool_call_id": found[1]["id"]}


def _fits(result: Message, call: Any) -> bool:
    """Tell whether a result without an id can be a call's: it names no other tool."""
    return result.get("name") in (None, "", name_of(call))
