"""The table of the faults that toolmend's journal named where vLLM's own parser was wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cases import KINDS, load
from written import Record

if TYPE_CHECKING:
    from outcomes import Table

PARSED = ("gemma4", "qwen", "hermes")
INTRODUCTION = """## What the journal names

Of the texts that vLLM's own parser got wrong as a stream, as toolmend asks for them: the fault that the journal names
([engine.md](engine.md)). What the model itself got wrong, and the parser passed on, is not the engine's.
"""


def named(rows: Table, records: dict[str, Record]) -> Iterator[str]:
    """Yield what the journal says of each text that vLLM's parser got wrong as a stream, as toolmend always asks for it."""
    found = {
        key: _engine(columns.get("turn", {}), records) for key, columns in rows.items() if _missed(columns) and key[0] in PARSED
    }
    yield INTRODUCTION
    yield "| server | wrong alone | a fault with an issue number | a known one without | its kind alone | passed on as written |"
    yield "|---|---|---|---|---|---|"
    for server in PARSED:
        of = [fault for (name, _), fault in found.items() if name == server]
        counts = [
            sum(bool(each and each["issues"]) for each in of),
            sum(bool(each and each["known_as"] and not each["issues"]) for each in of),
            sum(bool(each and not each["known_as"]) for each in of),
            sum(each is None for each in of),
        ]
        yield f"| {server} | {len(of)} | {' | '.join(map(str, counts))} |"
    yield from ("", "| fault | issues | texts |", "|---|---|---|")
    yield from _faults(found)
    yield from ("", "| passed on as written | what is wrong with it | what toolmend did |", "|---|---|---|")
    for (server, case), fault in found.items():
        if fault is None:
            record = records.get(rows[server, case].get("turn", {}).get("stream", ""), {})
            yield f"| {case} | {load(KINDS[server].dialect)[case]['fault']} | {_done(record)} |"


def _faults(found: dict[tuple[str, str], Record | None]) -> Iterator[str]:
    texts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (_, case), fault in found.items():
        if fault is not None:
            texts[fault["known_as"] or fault["kind"], ", ".join(fault["issues"]) or "-"].append(case)
    for (name, issues), cases in sorted(texts.items()):
        yield f"| `{name}` | {issues} | {', '.join(cases)} |"


def _missed(columns: dict[str, dict[str, str]]) -> bool:
    return bool(columns.get("vLLM's parser alone", {}).get("stream"))


def _engine(turns: dict[str, str], records: dict[str, Record]) -> Record | None:
    """Return what the journal says of the engine in the first answer of the streamed turn."""
    engine = records.get(turns.get("stream", ""), {}).get("engine", ())
    return next((each for each in engine if each["attempt"] == 1), None)


def _done(record: Record) -> str:
    """Say what toolmend did with a turn."""
    if record.get("outcome") == "asked-again":
        return f"asked again: `{record['reason']}`"
    if record.get("repairs"):
        return f"mended: {', '.join(f'`{each}`' for each in record['repairs'])}"
    return f"`{record['reason']}`" if record.get("reason") else "took a thought, or an invented result, out of the text"
