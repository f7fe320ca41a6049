"""Plays a scenario once, in one way: each turn is asked, judged, and answered with what the tool would return."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from adapters.base import Message
from proxy.doctor.judge import Outcome, judged
from proxy.doctor.protocols import PROTOCOLS, Name
from proxy.doctor.scenarios import DETOUR, DETOURS, LEVELS, SCENARIOS, Level, Scenario
from proxy.doctor.wire import Answer, Trouble

Via = Literal["direct", "toolmend"]

Ask: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[Answer]]
"""Asks a server for a chat completion. Raises Trouble, and Spent where nothing more is allowed."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a scenario is played. `repeat` counts from 0."""

    scenario: Scenario
    protocol: Name
    via: Via
    stream: bool
    repeat: int = 0

    @property
    def level(self) -> Level:
        """The scenario's level."""
        return self.scenario.level

    @property
    def name(self) -> str:
        """The way in words: `3 loop, native, direct, streamed`."""
        return f"{self.scenario.key}, {self.protocol}, {self.via}, {'streamed' if self.stream else 'whole'}"


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a trial: what was asked, and what came of it. One of answer and trouble is None."""

    body: Mapping[str, Any]
    outcome: Outcome | None
    answer: Answer | None = None
    trouble: Trouble | None = None

    @property
    def words(self) -> str:
        """What is to be said of it."""
        return self.trouble.words if self.trouble is not None else self.outcome.words if self.outcome is not None else ""

    @property
    def short(self) -> str:
        """What came of it in a word: the grade, the HTTP status, or what went wrong."""
        if self.trouble is None:
            return self.outcome.grade if self.outcome is not None else ""
        return f"HTTP {self.trouble.status}" if self.trouble.status else self.trouble.kind


@dataclass(slots=True)
class Trial:
    """One play. `steps`: how many of the scenario's steps were reached and right."""

    way: Way
    turns: list[Turn] = field(default_factory=list)
    steps: int = 0

    @property
    def right(self) -> bool:
        """Whether every step was right."""
        return self.steps == len(self.way.scenario.steps)

    @property
    def failed(self) -> Turn | None:
        """The turn that was not right; None where all were."""
        return None if self.right or not self.turns else self.turns[-1]


def ways(repeats: int, vias: tuple[Via, ...], levels: tuple[Level, ...] = tuple(LEVELS)) -> list[Way]:
    """Return every way to play every scenario, simple ones first, so that a part of them tells something already."""
    return [
        Way(scenario, protocol, via, stream, repeat)
        for scenario in SCENARIOS
        if scenario.level in levels
        for via in vias
        for protocol in PROTOCOLS
        for stream in (False, True)
        for repeat in range(repeats)
    ]


def requests_of(way: Way) -> int:
    """Return how many requests a play takes at most."""
    steps = len(way.scenario.steps)
    return steps + (DETOURS if steps > 1 else 0)


def sampling(repeat: int) -> dict[str, Any]:
    """Return how an answer is drawn: the first time at temperature 0, as OpenHands and SWE-agent ask.

    A repetition of that would be the same answer: the others leave the temperature to the server, as mini-swe-agent does.
    """
    return {"temperature": 0.0, "top_p": 1.0} if repeat == 0 else {"seed": repeat}


async def play(way: Way, model: str, limit: int, ask: Ask) -> Trial:
    """Play a scenario to its end or to the first turn that is not right. `limit`: tokens of one answer. Raises Spent."""
    protocol, scenario, trial = PROTOCOLS[way.protocol], way.scenario, Trial(way)
    messages: list[Message] = protocol.opening(scenario)
    detours = DETOURS if len(scenario.steps) > 1 else 0
    while not trial.right:
        body = {
            "model": model,
            "messages": list(messages),
            **protocol.members(scenario),
            **sampling(way.repeat),
            "max_tokens": limit,
        }
        turn = await _turn(way, body | (STREAMED if way.stream else {}), trial.steps, ask)
        outcome = turn.outcome
        if outcome is not None and outcome.grade == "wrong" and detours:
            detours -= 1
            turn = Turn(turn.body, Outcome("detour", outcome.words, outcome.call), turn.answer)
        trial.turns.append(turn)
        if turn.answer is None or turn.outcome is None or turn.outcome.grade not in ("right", "detour"):
            break
        assert turn.outcome.call is not None
        right = turn.outcome.grade == "right"
        result = scenario.steps[trial.steps].result if right else DETOUR
        trial.steps += right
        messages += protocol.behind(turn.answer, turn.outcome.call, result)
    return trial


STREAMED: Final = {"stream": True, "stream_options": {"include_usage": True}}


async def _turn(way: Way, body: Mapping[str, Any], step: int, ask: Ask) -> Turn:
    try:
        answer = await ask(body)
    except Trouble as trouble:
        return Turn(body, None, trouble=trouble)
    outcome = judged(PROTOCOLS[way.protocol].read(answer, way.scenario.tools), way.scenario.steps[step].wants)
    if outcome.grade != "right" and was_cut(answer, body["max_tokens"]):
        outcome = Outcome("cut", f"it was cut off after {answer.completion or 'its'} tokens; {outcome.words}")
    return Turn(body, outcome, answer)


def was_cut(answer: Answer, limit: int) -> bool:
    """Tell whether a limit ended an answer, whatever its `finish_reason` says."""
    return answer.finish == "length" or (answer.completion or 0) >= limit
