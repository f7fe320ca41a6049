"""What a run leaves in files: toolmend's journals, and vLLM's own answers, which the plain tests replay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cases import Kind
from wire import Answer

Record = dict[str, Any]
"""One record of the journal (docs/journal.md)."""
Kept = dict[str, Any]
"""What vLLM made of one text: server, case, way, and the answer."""


def read_journals(folder: Path) -> dict[str, Record]:
    """Return the records of all journals of a run by their turn; what only counts turns is left out."""
    lines = (line for file in sorted(folder.rglob("*.journal/*.jsonl")) for line in file.read_text("utf-8").splitlines())
    return {record["turn"]: record for record in map(json.loads, lines) if "outcome" in record}


def kept(kind: Kind, case: str, way: str, answer: Answer) -> Kept:
    """Return an answer as it is kept. What the model said is not: it stands in the corpus."""
    said = {"content": answer.content, "reasoning": answer.reasoning, "calls": answer.calls, "finish": answer.finish}
    used = (answer.usage or {}).get("completion_tokens")
    return {"server": kind.name, "case": case, "way": way, **said, "tokens": used, "version": answer.version}


def write_answers(file: Path, answers: list[Kept]) -> None:
    """Write them down, one a line."""
    file.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in answers), "utf-8")
