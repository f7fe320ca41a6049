"""The command that asks journals in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from proxy.cli_shared import LOOK, how_to_install, journal_option, refuse

SQL = """Ask a journal in SQL (DuckDB's), over many files at once, compressed ones, and object stores.

Without QUERY it says which tables and columns there are. Nothing is changed; lines that cannot be read are counted.

\b
Examples:
  toolmend sql "select class, reason, count(*) from turns group by all order by 3 desc"
  toolmend sql --journal './old/*.jsonl.gz' --format csv "select ts, turn, model, outcome from turns"
  toolmend sql --journal 's3://bucket/journals/*.jsonl' "select count(*) from turns"

An address such as s3:// or https:// makes DuckDB load its extension for it, from the network where it is not installed yet.

Exit codes: 0 there it is; 1 there is no journal, or DuckDB cannot do that; 2 a wrong option.
"""


@click.command(help=SQL, context_settings=LOOK)
@click.argument("query", required=False)
@journal_option(
    "Directory, file (also .gz or .zst), pattern, or address of an object store; may be given several times.", click.STRING
)
@click.option("--format", "form", default="table", type=click.Choice(["table", "csv", "json"]), help="How rows are printed.")
def sql(query: str | None, journals: Sequence[str], form: Any) -> None:
    from proxy.records.read import NoJournal

    try:
        from proxy.sql import ask, places, printed
    except ImportError as error:
        refuse(f"sql needs {error.name}, which is not installed: {how_to_install('sql')}")
    if query is None:
        for line in printed.overview():
            click.echo(line)
        return
    try:
        reply = ask.ask(query, places.files_of(journals))
    except (NoJournal, ask.WrongSql) as error:
        refuse(str(error))
    click.echo(printed.printed(reply, form))
    for each in reply.skipped:
        click.echo(f"toolmend: {each}", err=True)
