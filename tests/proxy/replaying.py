"""Serves again what a test has had written down."""

from __future__ import annotations

from pathlib import Path

from proxy.records.read import Skipped, entries, is_turn
from proxy.replay.run import replay
from proxy.replay.terms import settings_for, terms_for
from proxy.settings import FileSettings


async def drift_of(folder: Path, file: FileSettings | None = None) -> list[tuple[str, ...]]:
    """Return what comes out otherwise, for each turn in a journal."""
    async with terms_for(settings_for(file or FileSettings())) as terms:
        return [(await replay(each, terms)).drift for each in list(entries([folder], Skipped())) if is_turn(each)]
