"""Reads journals: directories of them, single files, compressed ones; and says what it could not read, and why."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from proxy.record import VERSION

Entry = Mapping[str, Any]
"""One line of a journal, read (docs/journal.md)."""

GZIP: Final = b"\x1f\x8b"
NAMED: Final = re.compile(r"journal-\d+(\.\d+)?\.jsonl(\.gz)?")
ATTEMPTS: Final = 5
"""How often a directory is looked at until it stands still."""

EXAMPLES: Final = 3
"""Places that are named of each kind of line that was skipped."""


class NoJournal(Exception):
    """There is nothing to read. Its text says what was looked for, and what to do."""


@dataclass(slots=True)
class Skipped:
    """What was not read, by why: how many lines, and where the first of them stand."""

    lines: dict[str, int] = field(default_factory=dict)
    places: dict[str, list[str]] = field(default_factory=dict)

    def add(self, why: str, place: str) -> None:
        """Count a line."""
        self.lines[why] = self.lines.get(why, 0) + 1
        places = self.places.setdefault(why, [])
        if len(places) < EXAMPLES:
            places.append(place)

    def sentences(self) -> list[str]:
        """Say what was not read."""
        return [f"{count} {why} ({', '.join(self.places[why])})" for why, count in self.lines.items()]


TORN: Final = "torn last lines: a process, or this machine, went down while it wrote"
NO_JSON: Final = "lines that are no JSON"
FOREIGN: Final = "lines that are no records of toolmend"
TOO_LARGE: Final = "records that were too large to be kept"
NEWER: Final = "records of a newer toolmend, read as far as they are known"
UNREADABLE: Final = "files that cannot be read"


def files_of(paths: Iterable[Path]) -> list[Path]:
    """Return the files to read, oldest first. Raises NoJournal where a path leads nowhere."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = [each for each in path.iterdir() if NAMED.fullmatch(each.name)]
            if not inside:
                raise NoJournal(f"{path}: no journal in it (journal-0.jsonl); is it what `toolmend serve --journal` was told?")
            found += sorted(inside, key=lambda each: (each.stat().st_mtime_ns, each.name))
        elif path.exists():
            found.append(path)
        else:
            raise NoJournal(f"{path}: there is no such file; say the directory that `toolmend serve --journal` was told")
    return found


def entries(paths: Sequence[Path], skipped: Skipped, since: float = 0.0) -> Iterator[dict[str, Any]]:
    """Yield what stands in journals, from a moment (seconds since 1970) on; a record that has no moment is yielded always."""
    with ExitStack() as stack:
        for path, file in opened_all(paths, stack):
            try:
                yield from _of_file(path, file, skipped, since)
            except (OSError, EOFError) as error:
                skipped.add(UNREADABLE, f"{path}: {error}")


def opened_all(paths: Sequence[Path], stack: ExitStack) -> list[tuple[Path, BinaryIO]]:
    """Open all files at one moment: one that is rotated while others are read must be read neither twice nor not at all."""
    for _ in range(ATTEMPTS):
        with ExitStack() as held, suppress(FileNotFoundError):
            found: list[tuple[Path, BinaryIO]] = [(path, held.enter_context(path.open("rb"))) for path in files_of(paths)]
            if [os.fstat(file.fileno()).st_ino for _, file in found] == [path.stat().st_ino for path in files_of(paths)]:
                stack.push(held.pop_all())
                return found
    raise NoJournal(f"{', '.join(map(str, paths))}: files come and go faster than they can be opened; try again")


def _of_file(path: Path, file: BinaryIO, skipped: Skipped, since: float) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_lines(file), 1):
        entry = parse(line, f"{path}:{number}", skipped)
        if entry is not None and moment_of(entry) >= since:
            yield entry


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file, compressed or not."""
    packed = file.read(2) == GZIP
    file.seek(0)
    return gzip.open(file) if packed else file


def parse(line: bytes, place: str, skipped: Skipped) -> dict[str, Any] | None:
    """Read one line; None where it is none of ours, which is taken note of."""
    if not line.strip():
        return None
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        skipped.add(NO_JSON if line.endswith(b"\n") else TORN, place)
        return None
    if isinstance(entry, dict) and "event" in entry and "level" in entry:
        return None  # of the log, which has standard output in common with the journal
    if not isinstance(entry, dict) or "ts" not in entry or not ("turn" in entry or entry.get("kind") == "turns"):
        skipped.add(FOREIGN, place)
        return None
    if "cut" in entry and "outcome" not in entry:
        skipped.add(TOO_LARGE, place)
        return None
    if isinstance(entry.get("v"), int) and entry["v"] > VERSION:
        skipped.add(NEWER, place)
    return entry


def is_turn(entry: Entry) -> bool:
    """Say whether an entry is a turn, and no count of turns."""
    return "outcome" in entry


def moment_of(entry: Entry) -> float:
    """Return when a turn ended, in seconds since 1970."""
    with suppress(ValueError, TypeError):
        return datetime.fromisoformat(str(entry["ts"])).timestamp()
    return float("inf")


UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def since_of(text: str, now: float) -> float:
    """Return the moment that `2h`, `30m`, `7d`, or a date and time means, in seconds since 1970. Raises ValueError."""
    if found := re.fullmatch(r"(\d{1,6})\s*([smhdw])", text.strip()):
        return now - timedelta(**{UNITS[found[2]]: int(found[1])}).total_seconds()
    moment = datetime.fromisoformat(text.strip())
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def find(paths: Sequence[Path], turn: str) -> dict[str, Any]:
    """Return the record of a turn, by its id or the beginning of it; `last` is the last one. Raises NoJournal."""
    skipped = Skipped()
    found = [each for each in entries(paths, skipped) if is_turn(each) and (turn == "last" or str(each["turn"]).startswith(turn))]
    if turn == "last" and found:
        return max(found, key=moment_of)
    names = sorted({str(each["turn"]) for each in found})
    if len(names) == 1:
        return found[-1]
    if names:
        raise NoJournal(f"{len(names)} turns begin with {turn}: {', '.join(names[:5])}; say more of it")
    known = "the journal has only turns that were not right as they came"
    raise NoJournal("; ".join([f"no turn {turn} is there: {known}", *skipped.sentences()]))
