"""Records as they stand in a journal, made up for tests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from proxy.record import Attempt, Engine, Final, FinalCall, Record, Usage
from proxy.rendering import render

START = datetime.fromisoformat("2026-11-28T10:00:00Z").timestamp()
RAW = '<|tool_call>call:bash{command:<|"|>ls<|"|>}<tool_call|>'

PLAIN = Record(
    ts=START,
    turn="0000000000000001",
    conversation="c1",
    client="openai_chat",
    model="gemma-4-26b",
    dialect="native",
    profile="gemma-4",
    mode="repair",
    outcome="asked-again",
    fault="model-arguments",
    reason="missing-arguments",
    attempts=(
        Attempt("<|tool_call>call:bash{}<tool_call|>", problem="missing-arguments", usage=Usage(100, 9, 109), seconds=0.5),
        Attempt(RAW, rung="members", usage=Usage(100, 15, 115), seconds=0.25),
    ),
    final=Final("", (FinalCall("bash", '{"command": "ls"}'),)),
    usage=Usage(200, 24, 224, 115),
    timings={"total": 0.8},
)

ENGINE = Engine(1, "call-misparsed", "quotes", ("vllm#1",), "0.1", "wrote", "served")


def entry(**changes: Any) -> dict[str, Any]:
    """Return a record as it is read from a journal."""
    record: dict[str, Any] = json.loads(render(replace(PLAIN, **changes), "on", 256_000))
    return record


def counted(turns: int, *, at: float = START, **count: Any) -> dict[str, Any]:
    """Return a line that counts turns."""
    ts = datetime.fromtimestamp(at).astimezone().isoformat()
    row = {"client": "openai_chat", "model": "gemma-4-26b", "profile": "", "mode": "repair", "count": {"turns": turns, **count}}
    return {"kind": "turns", "ts": ts, "since": ts, "v": 2, "counts": [row]}


def written(folder: Path, entries: Iterable[Mapping[str, Any]], name: str = "journal-0.jsonl") -> Path:
    """Write a journal, and return its file."""
    file = folder / name
    file.write_text("".join(json.dumps(each) + "\n" for each in entries), encoding="utf-8")
    return file
