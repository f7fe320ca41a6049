"""Asks DuckDB: makes the tables, lets nothing but reading through, and returns rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb

from proxy.sql.places import is_remote
from proxy.sql.tables import LINES, SKIPPED, TABLES

READING: Final = frozenset({"SELECT", "EXPLAIN", "RELATION"})


EXPLAIN: Final = re.compile(r"^\s*explain\b(\s+analyze\b)?(\s*\([^()]*\))?", re.IGNORECASE)


class WrongSql(Exception):
    """What was asked cannot be. Its text is DuckDB's own, or says what is allowed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Rows.

    columns  names of their columns; `kinds` are DuckDB's types of them
    skipped  which lines of the journals are in no table, in sentences
    """

    columns: Sequence[str]
    kinds: Sequence[str]
    rows: Sequence[Sequence[Any]]
    skipped: Sequence[str]


def ask(sql: str, files: Sequence[str]) -> Reply:
    """Ask over the journals in files. Raises WrongSql."""
    remote = any(map(is_remote, files))
    try:
        with duckdb.connect(":memory:", config=_config(remote=remote)) as connection:
            _reading_only(connection, sql)
            connection.execute(LINES, {"files": list(files)})
            for table in TABLES:
                connection.execute(table.definition())
            skipped = _skipped(connection)
            found = connection.execute(sql)
            described = found.description or ()
            return Reply([each[0] for each in described], [str(each[1]) for each in described], found.fetchall(), skipped)
    except duckdb.Error as error:
        raise WrongSql(str(error)) from None


def _config(*, remote: bool) -> dict[str, Any]:
    """Let DuckDB fetch what it needs for an object store only where one was named."""
    return {"autoinstall_known_extensions": remote, "autoload_known_extensions": remote}


def _reading_only(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Raise WrongSql unless it is one statement that reads. What is explained must read, too: ANALYZE runs it."""
    kinds = [each.type.name for each in connection.extract_statements(sql)]
    if len(kinds) != 1 or not READING.issuperset(kinds):
        told = ", ".join(kinds) or "nothing"
        raise WrongSql(f"one SELECT is asked at a time (or DESCRIBE, SUMMARIZE, EXPLAIN), and nothing is changed; this is {told}")
    if kinds == ["EXPLAIN"]:
        explained = EXPLAIN.sub("", sql, count=1)
        if explained == sql:
            raise WrongSql("EXPLAIN stands at the beginning")
        _reading_only(connection, explained)


def _skipped(connection: duckdb.DuckDBPyConnection) -> list[str]:
    no_json, foreign = connection.execute(SKIPPED).fetchone() or (0, 0)
    told = (
        (no_json, "lines that are no JSON, or torn"),
        (foreign, "lines that are no turns and no counts, or too large to be kept"),
    )
    return [f"not read: {count:,} {what}" for count, what in told if count]
