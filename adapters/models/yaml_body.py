"""Reads arguments that stand as YAML where elements should: the few shapes of it that models write there, and no more.

    gist: palin.py
    python: |
      def palin(s):
          return s[::-1]

Keys are declared properties at the start of a line. A scalar of several lines without a `|` is no YAML, but the last key can only
mean all that follows it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field

_KEY = re.compile(r"([\w.-]+):(?:[ \t]+(.*))?\Z")
_BLOCK = ("|", "|-", "|+")
_FOLDED = (">", ">-", ">+")


@dataclass(slots=True)
class _Entry:
    """A key, what stands behind its colon, and the lines below."""

    key: str
    first: str
    rest: list[str] = field(default_factory=list)


def begins_with_key(body: str, names: Collection[str]) -> bool:
    """Whether the first line that says something begins with a declared key."""
    first = body.lstrip().partition("\n")[0]
    found = _KEY.match(first.rstrip())
    return found is not None and found[1] in names


def read_yaml(body: str, names: Collection[str]) -> dict[str, str] | None:
    """Read a body; None where it is anything else than these shapes."""
    entries = _entries(body, names)
    if not entries:
        return None
    values = {entry.key: _value(entry, last=entry is entries[-1]) for entry in entries}
    known = {key: value for key, value in values.items() if value is not None}
    return known if len(known) == len(values) else None


def _entries(body: str, names: Collection[str]) -> list[_Entry] | None:
    entries: dict[str, _Entry] = {}
    last: _Entry | None = None
    for line in body.rstrip().split("\n"):
        found = _KEY.match(line.rstrip())
        if found and found[1] in names and found[1] not in entries:
            last = entries[found[1]] = _Entry(found[1], (found[2] or "").strip())
        elif last:
            last.rest.append(line)
        elif line.strip():
            return None
    return list(entries.values())


def _value(entry: _Entry, *, last: bool) -> str | None:
    if entry.first in _BLOCK:
        return _block(entry.rest, keep="\n" if entry.first != "|-" else "")
    if entry.first in _FOLDED:
        return None
    if not any(line.strip() for line in entry.rest):
        return _scalar(entry.first)
    return "\n".join((entry.first, *entry.rest)) if last and entry.first else None


def _block(lines: list[str], *, keep: str) -> str | None:
    """Return the lines of a block without their common indent; None where one stands outside it."""
    indent = next((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), 0)
    if not indent or any(line[:indent].strip() for line in lines):
        return None
    return "\n".join(line[indent:] for line in lines).rstrip("\n") + keep


def _scalar(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if text[:1] == '"':
        try:
            value = json.loads(text)
        except ValueError:
            return text
        return value if isinstance(value, str) else text
    return text
