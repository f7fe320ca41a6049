"""Serves recorded turns again, and prints what comes out otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import click

from proxy.records.read import Entry
from proxy.replay.run import NotReplayable, Replayed, Terms, replay
from proxy.replay.terms import be_quiet, terms_for
from proxy.report.marks import visible
from proxy.settings import Settings

SAME, CHANGED, NOTHING = 0, 1, 3
"""Exit codes."""


async def run(entries: Sequence[Entry], settings: Settings, skipped: Sequence[str], *, live: bool, as_json: bool) -> int:
    """Serve turns again, print, and return the exit code."""
    be_quiet()
    done: list[Replayed | NotReplayable] = []
    async with terms_for(settings, live=live) as terms:
        for entry in entries:
            outcome = await _once(entry, terms)
            done.append(outcome)
            for line in _json(entry, outcome) if as_json else _lines(entry, outcome):
                click.echo(line)
    return _end(done, skipped, as_json=as_json)


async def _once(entry: Entry, terms: Terms) -> Replayed | NotReplayable:
    try:
        return await replay(entry, terms)
    except NotReplayable as error:
        return error


def _lines(entry: Entry, outcome: Replayed | NotReplayable) -> Iterator[str]:
    name = f"{entry['turn']}  {entry.get('class') or '-'}/{entry.get('reason') or '-'}  {entry['outcome']}"
    if isinstance(outcome, NotReplayable):
        yield f"{name}: not served again: {outcome}"
    elif outcome.drift:
        hint = " (the record holds a shortened request)" if outcome.shortened else ""
        yield click.style(f"{name}{hint}", fg="yellow")
        yield from (f"    {visible(each)}" for each in outcome.drift)


def _json(entry: Entry, outcome: Replayed | NotReplayable) -> Iterator[str]:
    told: dict[str, Any] = {"turn": entry["turn"]}
    if isinstance(outcome, NotReplayable):
        told |= {"served": False, "why": str(outcome)}
    else:
        told |= {"served": True, "same": not outcome.drift, "drift": list(outcome.drift), "shortened": outcome.shortened}
    yield json.dumps(told, ensure_ascii=False)


def _end(done: Sequence[Replayed | NotReplayable], skipped: Sequence[str], *, as_json: bool) -> int:
    served = [each for each in done if isinstance(each, Replayed)]
    changed = sum(1 for each in served if each.drift)
    rest = len(done) - len(served)
    told = f"{len(served)} turns served again: {len(served) - changed} as then, {changed} otherwise; {rest} not served"
    for line in (told, *(f"not read: {each}" for each in skipped)):
        click.echo(line, err=as_json)
    if not served:
        return NOTHING
    return CHANGED if changed else SAME
