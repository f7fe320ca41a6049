"""What an agent has done so far: each step a turn's calls and what came of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from rules.conversation import Conversation, ToolCall, Turn

_VOLATILE: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d)?|\d\d:\d\d:\d\d|0x[0-9a-fA-F]{4,16}|\d{1,9}(?:\.\d{1,9})?(?= ?(?:ms|s|sec|seconds)\b)"
)
"""Clock times, durations and addresses: they differ each time a command is run, and say nothing new."""

_FAILURE: Final = re.compile(
    r"error|exception|traceback|fail(?:ed|ure)|not found|no such file|invalid|denied|did not|cannot|<returncode>\s*[1-9]"
    r"|exit code:? [1-9]",
    re.IGNORECASE,
)
_LOOKED_AT: Final = 400
"""Characters at each end of a result in which a failure is looked for."""


@dataclass(frozen=True, slots=True)
class Step:
    """A turn's calls and their results. `places` are the positions of its turns in the conversation."""

    places: tuple[int, ...]
    calls: tuple[ToolCall, ...]
    results: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether it looks as if nothing else came of it than complaints."""
        return bool(self.results) and all(map(looks_failed, self.results))


def steps(within: Conversation) -> tuple[Step, ...]:
    """Return what was done since the user last spoke.

    A framework that takes no prose speaks as the user by itself, so there its words part nothing.
    """
    found: list[Step] = []
    for place, turn in enumerate(within.turns):
        if turn.role == "user" and within.policy.prose == "answer":
            found.clear()
        if turn.role == "assistant" and turn.calls:
            found.append(Step((place,), turn.calls))
        elif turn.role == "tool" and found:
            found[-1] = _with(found[-1], place, turn)
    return tuple(found)


def _with(step: Step, place: int, turn: Turn) -> Step:
    return replace(step, places=(*step.places, place), results=(*step.results, turn.text))


def same_calls(one: Sequence[ToolCall], other: Sequence[ToolCall]) -> bool:
    """Tell whether calls ask for the same. Their ids say nothing."""
    return [(call.name, call.arguments) for call in one] == [(call.name, call.arguments) for call in other]


def same_step(one: Step, other: Step) -> bool:
    """Tell whether the same was asked for and the same came of it, but for clock times, durations and addresses."""
    return same_calls(one.calls, other.calls) and same_results(one, other)


def same_results(one: Step, other: Step) -> bool:
    """Tell whether the same came of two steps."""
    return one.results == other.results or list(map(_settled, one.results)) == list(map(_settled, other.results))


def looks_failed(result: str) -> bool:
    """Tell whether a result looks like a complaint, at its beginning or its end."""
    return bool(_FAILURE.search(result[:_LOOKED_AT]) or _FAILURE.search(result[-_LOOKED_AT:]))


def _settled(text: str) -> str:
    return _VOLATILE.sub("0", text)
