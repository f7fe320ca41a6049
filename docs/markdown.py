"""Writes text so that Markdown shows it as it is, and replaces what stands between two markers of a page."""

from __future__ import annotations

import re


def between(text: str, begin: str, end: str) -> str:
    """Return what stands between two markers of a page; nothing where it has none."""
    return text.partition(begin)[2].partition(end)[0]


def with_between(text: str, begin: str, end: str, new: str) -> str:
    """Return a page with something else between two markers."""
    before, found, rest = text.partition(begin)
    return f"{before}{found}{new}{end}{rest.partition(end)[2]}"


def in_cell(text: str) -> str:
    """Escape text for a cell of a Markdown table."""
    return re.sub(r"[\\|<*`]", _escaped, " ".join(text.split()))


def in_prose(text: str) -> str:
    """Escape text for a paragraph, but for the code in it."""
    return re.sub(r"`[^`]*`|[<*]", _escaped, " ".join(text.split()))


def _escaped(found: re.Match[str]) -> str:
    """Return one character escaped, and code as it is."""
    return found[0] if len(found[0]) > 1 else {"<": "&lt;"}.get(found[0], f"\\{found[0]}")


def in_code(text: str) -> str:
    """Write text as code in a cell of a Markdown table; line breaks are shown."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence, pad = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{pad}{text.replace('|', chr(92) + '|').replace(chr(10), '⏎')}{pad}{fence}"
