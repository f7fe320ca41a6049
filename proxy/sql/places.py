"""Finds the files that SQL is asked over: directories, files, patterns, and addresses of object stores."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from glob import glob
from pathlib import Path
from typing import Final

from proxy.records.read import NoJournal

NAMED: Final = re.compile(r"journal-\d+(\.\d+)?\.jsonl(\.gz|\.zst)?")
REMOTE: Final = re.compile(r"(s3|s3a|s3n|gs|gcs|r2|https?|hf)://", re.IGNORECASE)
PATTERN: Final = re.compile(r"[*?\[]")


def is_remote(place: str) -> bool:
    """Say whether a place is none of this machine's: only then DuckDB may load what it needs for it."""
    return REMOTE.match(place) is not None


def files_of(places: Iterable[str]) -> Sequence[str]:
    """Return what DuckDB is told to read; addresses as they are. Raises NoJournal where a place leads nowhere."""
    return tuple(dict.fromkeys(each for place in places for each in _files(place)))


def _files(place: str) -> Iterator[str]:
    path = Path(place)
    if is_remote(place):
        yield place
    elif path.is_dir():
        yield from _inside(path)
    elif path.exists():
        yield _literal(str(path))
    elif PATTERN.search(place):
        yield from _matching(place)
    else:
        raise NoJournal(f"{place}: there is no such file; say the directory that `toolmend serve --journal` was told")


def _inside(directory: Path) -> list[str]:
    found = sorted(str(each) for each in directory.iterdir() if NAMED.fullmatch(each.name))
    if not found:
        raise NoJournal(f"{directory}: no journal in it (journal-0.jsonl); is it what `toolmend serve --journal` was told?")
    return [_literal(each) for each in found]


def _matching(pattern: str) -> Iterator[str]:
    found = sorted(each for each in glob(pattern, recursive=True))
    if not found:
        raise NoJournal(f"{pattern}: nothing matches")
    for each in found:
        path = Path(each)
        yield from _inside(path) if path.is_dir() else [_literal(each)]


def _literal(name: str) -> str:
    """Write a file's name so that DuckDB takes it for no pattern."""
    return re.sub(r"([*?\[])", r"[\1]", name)
