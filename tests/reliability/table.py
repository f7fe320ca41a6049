"""The table of rows: what was asked beside what was reached, in one run."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.reliability.rows import NOT_HERE, ROWS

BEGIN, END = "<!-- rows: written by make reliability -->", "<!-- end of rows -->"


@dataclass
class Table:
    """What came of each row's tests, and what they said that they reached."""

    outcomes: dict[str, list[str]] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)

    def note(self, row: str, outcome: str) -> None:
        """Take note of what came of a test."""
        self.outcomes.setdefault(row, []).append(outcome)

    def reach(self, row: str, words: str) -> None:
        """Take note of a figure."""
        self.words.setdefault(row, []).append(words)

    def verdict(self, row: str) -> str:
        """Say what came of a row."""
        found = self.outcomes.get(row, [])
        if "failed" in found:
            return f"**missed** ({found.count('failed')} of {len(found)} tests)"
        if "passed" in found:
            return "reached" + (f" ({found.count('skipped')} tests skipped)" if "skipped" in found else "")
        return "not run"

    def lines(self, said: Mapping[str, str]) -> list[str]:
        """Write the table. `said`: lines of earlier runs."""
        head = ["| row | what is done | asked | reached | |", "|---|---|---|---|---|"]
        return head + [
            said[row]
            if row in said and row not in self.outcomes
            else f"| {row} | {what} | {asked} | {'; '.join(self.words.get(row, []))} | {self.verdict(row)}{_not_here(row)} |"
            for row, (what, asked) in ROWS.items()
        ]


def _not_here(row: str) -> str:
    return f". Not testable here: {NOT_HERE[row]}" if row in NOT_HERE else ""


def written(page: Path, table: Table) -> None:
    """Put the table into its place in a page. A row of which nothing was run keeps what an earlier run said of it."""
    text = page.read_text()
    before, _, rest = text.partition(BEGIN)
    old, found, after = rest.partition(END)
    said = {line.split("|")[1].strip(): line for line in old.splitlines() if line.startswith("| ")}
    assert found, f"{page} has no place for the table"
    load = os.getloadavg()[0]
    stamp = f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}"
    page.write_text(
        "\n".join(
            [
                before + BEGIN,
                "",
                f"The last run: {stamp}. Rows that it left out say what an earlier run said.",
                "",
                *table.lines(said),
                "",
                END,
            ]
        )
        + after
    )
