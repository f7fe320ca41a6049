"""Makes of turns that were played within seconds a journal of a day: other times, models and conversations, the same turns."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from proxy.records.read import is_turn

MODELS = ("gemma-4-26b", "qwen3.5-35b", "devstral-small-2")
START = datetime(2026, 11, 27, 8, 2, tzinfo=UTC)


def spread(entries: Iterable[dict[str, Any]], file: Path, *, seed: int = 7) -> None:
    """Write entries to a file: turns in conversations of up to twelve, of three models, over 22 hours. Lengths of time are kept."""
    chance = random.Random(seed)
    lines = list(entries)
    gaps = [chance.expovariate(1) for _ in lines]
    scale, at = 22 * 3600 / sum(gaps), START
    left, model, conversation = 0, MODELS[0], ""
    with file.open("w", encoding="utf-8") as out:
        for entry, gap in zip(lines, gaps, strict=True):
            at += timedelta(seconds=gap * scale)
            if left <= 0:
                left, model, conversation = chance.randint(2, 12), _model(chance), f"{chance.getrandbits(64):016x}"
            left -= is_turn(entry)
            ts = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            if is_turn(entry):
                moved = {**entry, "ts": ts, "model": model, "conversation": conversation}
            else:
                moved = {**entry, "ts": ts, "since": ts, "counts": [{**row, "model": model} for row in entry["counts"]]}
            out.write(json.dumps(moved, ensure_ascii=False) + "\n")


def _model(chance: random.Random, of: Sequence[str] = MODELS) -> str:
    return chance.choices(of, (5, 3, 2))[0]
