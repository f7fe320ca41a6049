"""Reads what a record may hold, whoever wrote it: an older toolmend, one with bodies off, or somebody with an editor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from proxy.report.marks import visible

LINE: Final = 200
"""Characters of a name that are shown."""


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object; an empty one in place of anything else."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects in a list; nothing else counts."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list | tuple) else []


def words(value: Any) -> Sequence[str]:
    """Return the members of a list as texts."""
    return [text(each) for each in value] if isinstance(value, list | tuple) else []


def text(value: Any) -> str:
    """Return a text; of one that was left out of the journal, how long it was."""
    match value:
        case None:
            return ""
        case str():
            return value
        case {"chars": int(chars), "sha256": str(digest)}:
            return f"[{chars:,} characters, sha256 {digest}]"
        case _:
            return str(value)


def line(value: Any) -> str:
    """Return a name, or a code, as it is shown: in one line, and not endless."""
    shown = " ".join(visible(text(value)).split())
    return shown if len(shown) <= LINE else f"{shown[:LINE]} ..."


def number(value: Any) -> float:
    """Return a number; 0 in place of anything else."""
    return float(value) if isinstance(value, int | float) else 0.0
