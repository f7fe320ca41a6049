"""Chooses which turns the page shows, as entries go by: one of each reason and the newest; it holds no more than it shows."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from proxy.records.read import Entry, is_turn, moment_of
from proxy.report.page.figures import Figures, is_time
from proxy.report.page.turns import Row, Shown, row_of, shown

TURNS: Final = 100
"""Turns that are shown in full, at most."""

ROWS: Final = 1_000
"""Turns that have a line in their conversation, at most: the newest."""

CHARACTERS: Final = 400_000
"""Characters of texts on the page, at most: people mail this file."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Turns of one conversation, oldest first, each with its place among those that are shown in full; None: it is not."""

    name: str
    rows: Sequence[tuple[Row, int | None]]

    @property
    def longest(self) -> float:
        """Seconds of the turn that took longest."""
        return max((row.seconds for row, _ in self.rows), default=0.0)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is shown of single turns. `turns` are all that there are; `rows` those that have a line."""

    turns: int
    rows: int
    shown: Sequence[Shown]
    conversations: Sequence[Conversation]

    def place_of(self, turn: str) -> int | None:
        """Return the place of a turn among those that are shown in full."""
        return next((place for place, each in enumerate(self.shown) if each.row.turn == turn), None)


@dataclass(order=True, slots=True)
class _Kept:
    moment: float
    number: int
    row: Row = field(compare=False)
    entry: Entry = field(compare=False)


@dataclass(slots=True)
class Choice:
    """Sees every entry once."""

    figures: Figures = field(default_factory=Figures)
    turns: int = 0
    _examples: dict[tuple[str, str], _Kept] = field(default_factory=dict)
    _newest: list[_Kept] = field(default_factory=list)
    _rows: list[_Kept] = field(default_factory=list)

    def watch(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Pass entries on, and keep of them what the page needs."""
        for entry in entries:
            if is_turn(entry):
                self._add(entry)
            else:
                self.figures.count(entry)
            yield entry

    def _add(self, entry: Entry) -> None:
        self.figures.add(entry)
        self.turns += 1
        moment = moment_of(entry)
        moment = moment if is_time(moment) else 0.0
        kept = _Kept(moment, self.turns, row_of(entry, moment), entry)
        if len(self._examples) < TURNS:
            self._examples.setdefault((kept.row.fault, kept.row.reason), kept)
        _push(self._newest, kept, TURNS)
        _push(self._rows, replace(kept, entry={}), ROWS)

    def made(self) -> Chosen:
        """Return what was chosen: first the examples, then the newest, as long as there is room; in the order of time."""
        candidates = {each.number: each for each in (*self._examples.values(), *sorted(self._newest, reverse=True))}
        fitting = list(_fitting(list(candidates.values())[:TURNS]))
        fitting.sort(key=lambda pair: pair[0])
        places = {kept.number: place for place, (kept, _) in enumerate(fitting)}
        rows = {kept.number: kept.row for kept in self._rows} | {kept.number: kept.row for kept, _ in fitting}
        return Chosen(self.turns, len(rows), [turn for _, turn in fitting], _conversations(rows, places))


def _push(heap: list[_Kept], kept: _Kept, most: int) -> None:
    """Keep the latest of what comes."""
    if len(heap) < most:
        heapq.heappush(heap, kept)
    else:
        heapq.heappushpop(heap, kept)


def _fitting(candidates: Sequence[_Kept]) -> Iterator[tuple[_Kept, Shown]]:
    room = CHARACTERS
    for kept in candidates:
        turn = shown(kept.entry, kept.row)
        if turn.size <= room:
            room -= turn.size
            yield kept, turn


def _conversations(rows: dict[int, Row], places: dict[int, int]) -> list[Conversation]:
    """Return the conversations of the turns that are shown, the one that was active last first."""
    grouped: dict[str, list[tuple[Row, int | None]]] = {}
    for number in sorted(rows, key=lambda each: (rows[each].moment, each)):
        grouped.setdefault(rows[number].conversation, []).append((rows[number], places.get(number)))
    there = [Conversation(name, lines) for name, lines in grouped.items() if any(place is not None for _, place in lines)]
    return sorted(there, key=lambda each: each.rows[-1][0].moment, reverse=True)
