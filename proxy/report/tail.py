"""Follows journals as they are written."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
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

    def __init__(self, path: Path, *, from_start: bool) -> None:
        self.path = path
        self._file: BinaryIO = path.open("rb")
        self._rest = b""
        if not from_start:
            self._file.seek(0, 2)

    @property
    def inode(self) -> int:
        """What tells the file from one that took its name."""
        return os.fstat(self._file.fileno()).st_ino

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
    open_files: dict[int, Followed] = {}
    first = True
    while polls is None or polls > 0:
        for path in files_of(journals):
            if path.stat().st_ino not in open_files and not _compressed(path):
                followed = Followed(path, from_start=from_start or not first)
                open_files[followed.inode] = followed
        for each in list(open_files.values()):
            yield from each.read()
        first = False
        polls = None if polls is None else polls - 1
        time.sleep(POLL)


def _compressed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == GZIP


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
