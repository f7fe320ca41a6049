"""Reads the first answer of a recorded turn again, up to where the rules begin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from adapters.turns import TurnBuilder
from proxy.answer import finished, pieces
from proxy.decoding import Decoding
from proxy.plan import Plan
from proxy.reading import Reader
from proxy.recording import BROKE_OFF
from proxy.replay.recorded import Recorded, fault_of
from proxy.replay.run import Entry, NotReplayable, Remembered, Terms, plan_of
from proxy.replay.terms import is_cut
from proxy.upstream import CHAT
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


async def first_answer(entry: Entry, terms: Terms) -> First:
    """Read the first answer of a turn. Raises NotReplayable."""
    plan = Remembered(entry).settle(plan_of(entry, terms), {})
    attempt = attempt_of(entry)
    upstream = Recorded(terms.settings, [attempt], aborted=False)
    reader = Reader(plan.profile.raw, plan.limit)
    decoding = Decoding(plan, TurnBuilder(keep_thinking=plan.keeps_thinking))
    async with upstream.ask("POST", CHAT, None, {}) as response:
        async for piece in pieces(upstream, response, reader):
            decoding.feed(reader, piece)
    decoding.finish(reader)
    _, turn = decoding.builder.finish("cut" if decoding.repeat else reader.ending())
    written, _ = finished(plan, turn, decoding, reader)
    calls = tuple(replace(call, id=f"c{place}", written=None) for place, call in enumerate(written.calls, 1))
    return First(plan, attempt, replace(written, calls=calls), decoding.opened == "yes")
