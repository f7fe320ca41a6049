"""Ids of past calls that are missing, empty or used before, and of their results."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Any

from adapters.base import Message
from adapters.history.base import Example, Messages, Terms, step
from adapters.history.runs import Run, answers, id_of, name_of, runs
from adapters.history.samples import USER, asks, call, result

_NONE = {"type": "function", "function": {"name": "bash", "arguments": "{}"}}


@dataclass(slots=True)
class _Ids:
    """The ids given so far, how many calls there were, and the number that the last id was made of."""

    given: set[str] = field(default_factory=set)
    calls: int = 0
    number: int = 0

    def settle(self, wanted: str, taken: Container[str]) -> str:
        """Return the id of the next call: the one it wants, if it is the first, else one made of its place.

        Nine letters and digits are what every template bears: Mistral's wants exactly those.
        """
        self.calls += 1
        found = wanted if wanted not in self.given else ""
        while not found or (found != wanted and found in taken) or found in self.given:
            self.number = max(self.number + 1, self.calls)
            found = f"c{self.number:08d}"
        self.given.add(found)
        return found


class _Waiting:
    """The calls of a turn that have no result yet, in order: by the id they came with, and by the name of their tool."""

    def __init__(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        self._by_key: dict[str, deque[tuple[int, str]]] = {}
        self._done: set[int] = set()
        for place, (old, new) in enumerate(pairs):
            for key in (f"id {id_of(old)}", f"name {name_of(old)}", "any"):
                self._by_key.setdefault(key, deque()).append((place, new["id"]))

    def take(self, result: Message) -> str:
        """Return the id of the call that a result belongs to, which then waits no longer; empty: it belongs to none."""
        wanted, name = answers(result), result.get("name")
        key = f"id {wanted}" if wanted else f"name {name}" if name else "any"
        calls = self._by_key.get(key, deque())
        while calls:
            place, found = calls.popleft()
            if place not in self._done:
                self._done.add(place)
                return found
        return ""


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
    Example("the id it would get is taken", [asks(call("c00000002"), call(""))], [asks(call("c00000002"), call("c00000003"))]),
    Example(
        "taken by its own twin",
        [asks(call("c00000002"), call("c00000002"))],
        [asks(call("c00000002"), call("c00000003"))],
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
    waiting = _Waiting((old, new) for old, new in zip(run.calls, calls, strict=True) if isinstance(new, dict))
    message = run.message if calls == run.calls else {**run.message, "tool_calls": calls}
    return [message, *(_matched(each, waiting.take(each)) for each in run.results)]


def _matched(result: Message, call_id: str) -> Message:
    kept = not call_id or (answers(result) == call_id and result.get("role") == "tool")
    return result if kept else {**result, "role": "tool", "tool_call_id": call_id}
