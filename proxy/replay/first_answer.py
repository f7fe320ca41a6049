"""Reads the first answer of a recorded turn again, up to where the rules begin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from proxy.observe import read_turn
from proxy.plan import Plan
from proxy.recording import BROKE_OFF
from proxy.replay.recorded import bytes_of, fault_of
from proxy.replay.run import Entry, NotReplayable, Remembered, Terms, plan_of
from proxy.replay.terms import is_cut
from rules.conversation import Turn


@dataclass(frozen=True, slots=True)
class First:
    """The first answer of a turn. `written` is what was read before any rule saw it, its calls numbered `c1`, `c2`."""

    plan: Plan
    attempt: Mapping[str, Any]
    written: Turn
    opened: bool

    @property
    def is_text(self) -> bool:
        """Whether `raw` is all that the model wrote: otherwise calls came that are not in it."""
        came = self.attempt["came"]
        return came["source"] == "logprobs" or not (came["calls"] or came["reasoning"])


def attempt_of(entry: Entry) -> Mapping[str, Any]:
    """Return the first answer that was finished. Raises NotReplayable."""
    answers: list[Mapping[str, Any]] = [
        each for each in entry["attempts"] if fault_of(each) is None and each["problem"] != BROKE_OFF
    ]
    if not answers:
        raise NotReplayable(f"no answer came: {entry['class']}, {entry['reason']}")
    if any(is_cut(text) for text in _texts(answers[0])):
        raise NotReplayable("its answer was too long to be kept whole")
    return answers[0]


def _texts(attempt: Mapping[str, Any]) -> list[str]:
    came = attempt["came"]
    return [attempt["raw"], came["content"] or "", came["reasoning"], *(call["arguments"] for call in came["calls"])]


def first_answer(entry: Entry, terms: Terms) -> First:
    """Read the first answer of a turn. Raises NotReplayable."""
    plan = Remembered(entry).settle(plan_of(entry, terms), {})
    attempt = attempt_of(entry)
    read = read_turn(bytes_of(attempt), plan)
    calls = tuple(replace(call, id=f"c{place}", written=None) for place, call in enumerate(read.turn.calls, 1))
    return First(plan, attempt, replace(read.turn, calls=calls), read.decoding.opened == "yes")
