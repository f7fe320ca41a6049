"""Follows journals as they are written."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import click

from proxy.records.read import GZIP, Entry, Skipped, files_of, parse
from proxy.report.marks import visible
from proxy.report.summary import snippet_of
from proxy.report.text import COLOURS

POLL: Final = 0.3
"""Seconds between two looks."""

SNIPPET: Final = 70


class Followed:
    """One file, read on from where it was left. A torn line is read once its end is there."""

    def __init__(self, path: Path, file: BinaryIO, *, from_start: bool) -> None:
        self.path = path
        self._file = file
        self._rest = b""
        self._file.seek(0, 0 if from_start else 2)

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield what has come since."""
        *whole, self._rest = (self._rest + self._file.read()).split(b"\n")
        for line in whole:
            entry = parse(line + b"\n", str(self.path), Skipped())
            if entry is not None:
                yield entry

    def close(self) -> None:
        """Let go of it."""
        self._file.close()


def follow(journals: Sequence[Path], *, from_start: bool, polls: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield entries as they are written, for ever or for so many looks. Full files are read to their end."""
    files: dict[int, Followed] = {}
    new_from_start = from_start
    try:
        while polls is None or polls > 0:
            there = dict(_looked(journals))
            found = frozenset(there)
            for inode in there.keys() - files.keys():
                files[inode] = Followed(*there.pop(inode), from_start=new_from_start)
            for _, file in there.values():
                file.close()
            for inode, each in list(files.items()):
                yield from each.read()
                if inode not in found:
                    files.pop(inode).close()
            new_from_start = True
            polls = None if polls is None else polls - 1
            time.sleep(POLL)
    finally:
        for each in files.values():
            each.close()


def _looked(journals: Sequence[Path]) -> Iterator[tuple[int, tuple[Path, BinaryIO]]]:
    """Yield the files that are there and can be followed, open, by what tells each from one that takes its name."""
    with suppress(FileNotFoundError):  # one was moved away as we looked; the next look finds it
        for path in files_of(journals):
            file = path.open("rb")
            if file.read(2) == GZIP:
                file.close()
            else:
                yield os.fstat(file.fileno()).st_ino, (path, file)


def matches(entry: Entry, wanted: Mapping[str, str | None]) -> bool:
    """Say whether a turn is one that is looked for: `fault`, `reason`, `outcome` and `client` as they are, `model` by a part."""
    exact = {"fault": "class", "reason": "reason", "outcome": "outcome", "client": "client"}
    if any(wanted.get(key) and entry.get(field) != wanted[key] for key, field in exact.items()):
        return False
    return (wanted.get("model") or "").lower() in str(entry.get("model")).lower()


def line_of(entry: Entry) -> str:
    """Write a turn in one line."""
    outcome = str(entry["outcome"])
    told = [
        str(entry.get("ts"))[11:19],
        str(entry["turn"]),
        click.style(f"{outcome:<11}", fg=COLOURS.get(outcome)),
        f"{entry.get('class') or '-'}/{entry.get('reason') or '-'}",
        str(entry.get("client")),
        str(entry.get("model")),
        click.style(visible(snippet_of(entry)[:SNIPPET]), fg="bright_black"),
    ]
    return "  ".join(told)
