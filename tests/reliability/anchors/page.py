"""Puts what one run showed into docs/reliability.md, in a section of its own."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

BEGIN, END = "<!-- anchors: written by make e2e-anchors -->", "<!-- end of anchors -->"
PARTS = ("smuggling", "truncation", "disconnect", "fidelity")


@dataclass
class Page:
    """`parts`: lines of each part that was run."""

    names: dict[str, str] = field(default_factory=dict)
    parts: dict[str, list[str]] = field(default_factory=dict)

    def lines(self) -> list[str]:
        versions = ", ".join(self.names.values())
        stamp = f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
        return [f"One run: {stamp}. Versions: {versions}.", "", *(line for part in PARTS for line in [*self.parts[part], ""])]

    def write(self, page: Path) -> None:
        """Write, where every part was run."""
        if set(self.parts) == set(PARTS):
            before, _, rest = page.read_text().partition(BEGIN)
            _, found, after = rest.partition(END)
            assert found, f"{page} has no place for it"
            page.write_text("\n".join([before + BEGIN, "", *self.lines(), END]) + after)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Write a table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
