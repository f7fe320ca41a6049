"""Writes docs/failures.md out of the table of reasons."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from docs.markdown import in_prose
from proxy.failures.base import CLASSES, Reason
from proxy.failures.table import REASONS

PAGE = Path(__file__).with_name("failures.md")

HEAD: Final = """\
# Failures

Every turn that was not right as it came has a class, which says whose fault it was, and a reason code, which says what was
wrong. Both stand in the journal ([journal.md](journal.md)) and in what `toolmend report` and `toolmend show` print. Made by
`make docs` out of `proxy/failures/`; do not edit it by hand.

Where a server's parsers got something wrong *and* the model did, too, the class is the model's, and the journal's `engine` has
the rest ([engine.md](engine.md) names the faults, their issues and versions). An error of the server is told by its words; one
that they do not tell is `upstream_refused`.
"""


def page(_before: str = "") -> str:
    """Return the page."""
    return "\n".join([HEAD, *(line for fault, what in CLASSES.items() for line in _section(fault, what))])


def _section(fault: str, what: str) -> list[str]:
    rows = [_row(each) for each in REASONS if each.fault == fault]
    head = ["| reason | what was seen | what toolmend does | what you can change |", "|---|---|---|---|"]
    return [f"## {fault}", "", what, "", *head, *rows, ""]


def _row(reason: Reason) -> str:
    settings = f"setting `{reason.setting}`" if reason.setting else ""
    change = "; ".join(filter(None, (reason.change, settings)))
    return f"| `{reason.code}` | {in_prose(reason.what)} | {in_prose(reason.done)} | {change.replace('|', chr(92) + '|')} |"
