"""Serves again what a test has had written down."""

from __future__ import annotations

from pathlib import Path

from proxy.checker import Checker
from proxy.profiles import load
from proxy.records.read import Skipped, entries, is_turn
from proxy.replay.run import Terms, replay
from proxy.settings import Settings


async def drift_of(folder: Path, settings: Settings | None = None) -> list[tuple[str, ...]]:
    """Return what comes out otherwise, for each turn in a journal."""
    settings = settings or Settings(upstream="http://127.0.0.1:9")
    checker = Checker()
    terms = Terms(settings, load(settings.profile), checker)
    try:
        return [(await replay(each, terms)).drift for each in list(entries([folder], Skipped())) if is_turn(each)]
    finally:
        await checker.aclose()
