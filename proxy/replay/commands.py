"""`toolmend minimise` and `toolmend example`: from a journal to what is printed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import orjson

from proxy.records.read import NoJournal, find
from proxy.redact import redact, redact_json, redact_line
from proxy.replay.example import NoExample, example_of
from proxy.replay.minimise import Minimised, NotFailing, minimise
from proxy.replay.run import Entry, NotReplayable, plan_of
from proxy.replay.terms import NOBODY, be_quiet, refuse_shortened, settings_for, terms_for
from proxy.replay.trials import Live, Offline, cost
from proxy.settings import FileSettings, Settings

T = TypeVar("T")


class Impossible(Exception):
    """What was asked for cannot be done with this turn. Its text says why."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The turn that is meant: in which journals, its id or `last`, the configuration file, and whether it may be shortened."""

    journals: Sequence[Path]
    turn: str
    file: FileSettings
    shortened: bool = False

    def entry(self) -> Entry:
        """Return its record. Raises NoJournal, NotReplayable."""
        entry = find(self.journals, self.turn)
        refuse_shortened(entry, allowed=self.shortened)
        return entry


@dataclass(frozen=True, slots=True)
class Again:
    """How the model is asked again: where, with which key, how often for one request, and for how many requests at most."""

    upstream: str
    key: str | None
    repeats: int
    trials: int


def minimised(chosen: Chosen, again: Again | None) -> tuple[bytes, str]:
    """Return the smallest record as a line of a journal, and a summary. Raises Impossible, ValidationError."""
    be_quiet()
    upstream, key = (again.upstream, again.key) if again else (NOBODY, None)
    made = _run(_minimised(chosen, settings_for(chosen.file, upstream=upstream, key=key), again))
    return redact_line(orjson.dumps(redact_json(made.entry)).decode()).encode() + b"\n", str(made)


async def _minimised(chosen: Chosen, settings: Settings, again: Again | None) -> Minimised:
    entry = chosen.entry()
    async with terms_for(settings, live=again is not None) as terms:
        plan_of(entry, terms)
        if again is None:
            return await minimise(entry, Offline(entry, terms))
        return await minimise(entry, Live(entry, terms, again.repeats), again.trials)


def cost_of(chosen: Chosen, again: Again) -> str:
    """Say what asking the model again may cost. Raises Impossible."""
    try:
        return cost(chosen.entry(), again.repeats, again.trials)
    except (NoJournal, NotReplayable) as error:
        raise Impossible(str(error)) from error


def example(chosen: Chosen) -> str:
    """Return the source of the example that pins a turn, or a line of the corpus. Raises Impossible."""
    be_quiet()
    return _run(_example(chosen))


async def _example(chosen: Chosen) -> str:
    async with terms_for(settings_for(chosen.file)) as terms:
        return redact(await example_of(chosen.entry(), terms))


def _run(doing: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(doing)
    except (NoJournal, NotReplayable, NotFailing, NoExample) as error:
        raise Impossible(str(error)) from error
