"""Prints an answer: as a table, as CSV, or as lines of JSON; and says what can be asked."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final, Literal

import click

from proxy.report.marks import visible
from proxy.sql.ask import Reply
from proxy.sql.tables import EXAMPLES, TABLES
from proxy.tables import table

Format = Literal["table", "csv", "json"]

PLAN: Final = ["explain_key", "explain_value"]
"""Columns of an EXPLAIN, which is a drawing."""

WIDEST: Final = 100
"""Characters of a value in a table."""


def printed(reply: Reply, form: Format) -> str:
    """Return an answer as text. Values of JSON and CSV are whole, those of a table are cut."""
    match form:
        case "csv":
            return _csv(reply)
        case "json":
            return _json(reply)
        case "table" if reply.columns == PLAN:
            return "\n".join(str(row[1]) for row in reply.rows)
        case "table":
            return _table(reply)


def _json(reply: Reply) -> str:
    named = [
        {
            name: json.loads(value) if kind == "JSON" and value is not None else value
            for name, kind, value in zip(reply.columns, reply.kinds, row, strict=True)
        }
        for row in reply.rows
    ]
    return "\n".join(json.dumps(each, ensure_ascii=False, default=_written) for each in named)


def _written(value: Any) -> str | float:
    """Write what JSON has no type for."""
    match value:
        case date() | time():
            return value.isoformat()
        case Decimal():
            return float(value)
        case _:
            return str(value)


def _csv(reply: Reply) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(reply.columns)
    writer.writerows(reply.rows)
    return out.getvalue().rstrip("\n")


def _table(reply: Reply) -> str:
    rows = [[_cell(each) for each in row] for row in reply.rows]
    numbers = [any(_is_number(row[at]) for row in reply.rows) for at in range(len(reply.columns))]
    return table([visible(each) for each in reply.columns], rows, numbers if rows else ())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _cell(value: Any) -> str:
    """Return a value as a table shows it: in one line, and not endless."""
    match value:
        case None:
            return ""
        case float():
            return f"{value:.6g}"
        case datetime():
            return value.isoformat(" ", "milliseconds")
        case list():
            text = ", ".join(map(str, value))
        case _:
            text = str(value)
    line = visible(" ".join(text.split()))
    return line if len(line) <= WIDEST else f"{line[: WIDEST - 4]} ..."


def overview() -> Iterator[str]:
    """Yield what there is to ask: the tables, their columns, and examples."""
    for shown in TABLES:
        yield f"{click.style(shown.name, bold=True)}: {shown.meaning}"
        widest = max(len(each.name) for each in shown.columns)
        yield from (f"  {each.name:<{widest}}  {each.meaning}" for each in shown.columns)
        yield ""
    yield click.style("examples", bold=True)
    for what, sql in EXAMPLES:
        yield f'  {what}\n    toolmend sql "{sql}"'
