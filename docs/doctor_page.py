"""Writes into docs/doctor.md what the doctor can find."""

from __future__ import annotations

from pathlib import Path

from docs.markdown import in_prose, with_between
from proxy.doctor.catalogue import CATALOGUE
from proxy.doctor.report import FAULT

PAGE = Path(__file__).with_name("doctor.md")
BEGIN, END = "<!-- findings -->\n", "<!-- end of findings -->"
HEAD = "| code | whose fault | weight | what |\n|---|---|---|---|\n"
FILLS = {"upstream": "the URL", "proxy": "the URL of `--proxy`", "dialect": "named", "share": "a share"}


def page(before: str) -> str:
    """Return the page with its table written anew."""
    rows = (
        f"| `{code}` | {FAULT[entry.blame]} | {entry.weight} | {_cell(entry.what.format_map(FILLS))} |\n"
        for code, entry in CATALOGUE.items()
    )
    return with_between(before, BEGIN, END, HEAD + "".join(rows))


def _cell(text: str) -> str:
    return in_prose(text).replace("|", "\\|")
