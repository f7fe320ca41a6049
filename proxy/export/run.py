"""`toolmend export`: reads journals, and writes what is fit to learn from, one JSON object a line."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from proxy.export import chat, mini_swe, sharegpt
from proxy.export.taken import Taken, Unfit, take
from proxy.records.read import Skipped, entries, is_turn
from proxy.redact import redact_json, redact_line
from proxy.replay.run import Entry, Terms
from proxy.replay.terms import be_quiet, settings_for, terms_for
from proxy.settings import FileSettings

Write: TypeAlias = Callable[[Taken], dict[str, Any]]
"""Writes a turn in a format. Raises Unfit for one that the format cannot carry."""

EXAMPLES: Final[Mapping[str, Write]] = {"openai": chat.example, "sharegpt": sharegpt.example, "mini-swe": mini_swe.example}
PAIRS: Final[Mapping[str, Write]] = {"openai": chat.pair, "sharegpt": sharegpt.pair, "mini-swe": mini_swe.pair}
"""Format -> how a turn is written in it."""

MODELS_OWN: Final = ("model-", "truncated")
"""How the classes of faults begin that are the model's: in all others its own answer was right, and nothing to reject."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is exported: the format, preference pairs or examples, and whether turns whose requests were shortened are taken."""

    form: str
    pairs: bool = False
    shortened: bool = False


@dataclass(slots=True)
class Told:
    """How many were written, and why others were not."""

    written: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    skipped: Skipped = field(default_factory=Skipped)

    def lines(self) -> list[str]:
        """Say it, the most frequent reason first."""
        reasons = [f"  {count} left out: {why}" for why, count in self.left_out.most_common()]
        return [f"{self.written} written", *reasons, *(f"  not read: {each}" for each in self.skipped.sentences())]


def export(journals: Sequence[Path], file: FileSettings, wanted: Wanted, write: Callable[[bytes], object]) -> Told:
    """Write each turn that is fit, once. Raises NoJournal, and what `write` raises."""
    be_quiet()
    return asyncio.run(_export(journals, file, wanted, write))


async def _export(journals: Sequence[Path], file: FileSettings, wanted: Wanted, write: Callable[[bytes], object]) -> Told:
    told, seen = Told(), set[bytes]()
    async with terms_for(settings_for(file)) as terms:
        for entry in filter(is_turn, entries(journals, told.skipped)):
            try:
                line = await line_of(entry, terms, wanted)
            except Unfit as error:
                told.left_out[str(error)] += 1
                continue
            mark = hashlib.sha256(line).digest()
            if mark in seen:
                told.left_out["the same was written before"] += 1
                continue
            seen.add(mark)
            write(line)
            told.written += 1
    return told


async def line_of(entry: Entry, terms: Terms, wanted: Wanted) -> bytes:
    """Return a turn as a line of JSON, without secrets. Raises Unfit."""
    taken = await take(entry, terms, shortened=wanted.shortened)
    if wanted.pairs:
        _refuse_no_choice(taken)
    made = (PAIRS if wanted.pairs else EXAMPLES)[wanted.form](taken)
    if wanted.pairs and made["chosen"] == made["rejected"]:
        raise Unfit("what was delivered is what the model wrote")
    try:
        return redact_line(json.dumps(redact_json(made), ensure_ascii=False, allow_nan=False)).encode() + b"\n"
    except ValueError as error:  # a number without end, half a character
        raise Unfit("it holds what JSON cannot carry") from error


def _refuse_no_choice(taken: Taken) -> None:
    """Raise Unfit where the first answer is none that the model should unlearn."""
    if not taken.entry["class"].startswith(MODELS_OWN):
        raise Unfit("the model's own answer was right: the fault was not its own")
    if not (taken.first["raw"].strip() or taken.first["came"]["calls"]):
        raise Unfit("the model's first answer was empty")
