"""Writes the report of journals to a file."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

from proxy.records.read import Entry, Skipped
from proxy.report.page.chosen import Choice
from proxy.report.page.write import page
from proxy.report.summary import By, summarise


def save(entries: Iterable[Entry], by: By, skipped: Skipped, file: Path) -> str:
    """Write the page, and return a sentence that says so. Raises NoJournal, and OSError where the file cannot be written.

    `skipped` is what `entries` fills. The file is its owner's only, as the journal is: what users and models wrote is in it.
    """
    choice = Choice()
    summary = summarise(choice.watch(entries), by)
    made = page(summary, choice, skipped.sentences(), time.time())
    content = made.html.encode()
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(content)
    return f"{file}: {len(content) / 1000:,.0f} kB, {made.shown:,} of {made.turns:,} turns in full"
