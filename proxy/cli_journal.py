"""The commands that read journals: report, show, tail, replay."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy.cli_shared import LOOK, config_option, how_to_install, journal_option, refuse, secrets, settings_refused
from proxy.cli_sql import sql

if TYPE_CHECKING:
    from proxy.records.read import Skipped
    from proxy.settings import FileSettings

GROUPS = ("class", "model", "client", "tool", "rule", "conversation")

since_option = click.option("--since", metavar="WHEN", help="Only what came later: 2h, 30m, 7d, or a date and time (UTC).")


def _since(context: click.Context, since: str | None) -> float:
    from proxy.records.read import since_of

    if since is None:
        return 0.0
    try:
        return since_of(since, time.time())
    except ValueError:
        raise click.UsageError(
            f'--since takes 2h, 30m, 7d, or a date such as 2026-11-28 or 2026-11-28T10:00, not "{since}"', context
        ) from None


REPORT = """Say whose fault it was, how often, what it cost, and what to change first.

Reads the journal that `toolmend serve --journal DIRECTORY` writes: rates, the ten costliest reasons with an example each, and
error rates with and without toolmend.

\b
  Tool Call Error Rate   turns with a wrong call, of all turns with a call
  schema accuracy        turns whose calls fit their schemas, of all turns with a call

\b
Examples:
  toolmend report --journal ./journal --since 2h
  toolmend report --by model --json
  toolmend report --html report.html

Exit codes: 0 there it is; 1 there is no journal; 2 a wrong option.
"""


@click.command(help=REPORT, context_settings=LOOK)
@journal_option()
@since_option
@click.option(
    "--by",
    default="class",
    type=click.Choice(["class", "model", "client", "tool", "rule", "conversation"]),
    help="What turns are grouped by.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--html", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Write one page that stands alone.")
@click.pass_context
def report(  # noqa: PLR0913 - a command's options
    context: click.Context, /, journals: Sequence[Path], since: str | None, by: Any, html: Path | None, *, as_json: bool
) -> None:
    from proxy.records.read import NoJournal, Skipped, entries
    from proxy.report import text
    from proxy.report.summary import summarise

    if html and as_json:
        raise click.UsageError("--html and --json exclude each other", context)
    skipped = Skipped()
    found = entries(journals, skipped, _since(context, since))
    try:
        if html:
            click.echo(_save(found, by, skipped, html))
            return
        summary = summarise(found, by)
    except NoJournal as error:
        refuse(error)
    if as_json:
        click.echo(json.dumps(text.as_json(summary, skipped.sentences()), ensure_ascii=False, indent=2))
        return
    for line in text.lines(summary, skipped.sentences()):
        click.echo(line)


def _save(found: Iterator[dict[str, Any]], by: Any, skipped: Skipped, file: Path) -> str:
    """Write the page; without what it needs, or where the file cannot be written, say so and end."""
    try:
        from proxy.report.page.save import save
    except ImportError as error:
        refuse(f"--html needs {error.name}, which is not installed: {how_to_install('report')}")
    try:
        return save(found, by, skipped, file)
    except OSError as error:
        refuse(f"{file}: {error.strerror}")


SHOW = """Show one turn: what the model wrote, what each rule changed, each question, and what the client got.

TURN is the id in the reply's header x-toolmend-turn, the beginning of it, or `last`.

Exit codes: 0 there it is; 1 there is no such turn; 2 a wrong option.
"""


@click.command(help=SHOW, context_settings=LOOK)
@click.argument("turn")
@journal_option()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
def show(turn: str, journals: Sequence[Path], file: FileSettings, *, as_json: bool) -> None:
    from proxy.records.read import NoJournal, find
    from proxy.replay.run import NotReplayable, Terms, plan_of
    from proxy.replay.terms import settings_for
    from proxy.report.show import lines

    try:
        entry = find(journals, turn)
    except NoJournal as error:
        refuse(error)
    if as_json:
        click.echo(json.dumps(entry, ensure_ascii=False, indent=2))
        return
    plan, why_not = None, ""
    try:
        plan = plan_of(entry, Terms.to_read(settings_for(file)))
    except NotReplayable as error:
        why_not = str(error)
    for line in lines(entry, plan, why_not):
        click.echo(line)


TAIL = """Follow a journal: one line for each turn that was not right as it came, as it is written down.

\b
Examples:
  toolmend tail --class model-arguments
  toolmend tail --model gemma --outcome failed-open

Exit codes: 0 stopped with Ctrl-C; 1 there is no journal; 2 a wrong option.
"""


@click.command(help=TAIL, context_settings=LOOK)
@journal_option()
@click.option("--class", "fault", metavar="CLASS", help="Only turns of this class.")
@click.option("--reason", metavar="CODE", help="Only turns of this reason.")
@click.option("--outcome", metavar="NAME", help="Only turns with this outcome.")
@click.option("--model", metavar="TEXT", help="Only models whose name holds this.")
@click.option("--client", metavar="NAME", help="Only this client.")
@click.option("--from-start", is_flag=True, help="Begin with what is there already.")
def tail(journals: Sequence[Path], *, from_start: bool, **wanted: str | None) -> None:
    from proxy.records.read import NoJournal, files_of, is_turn
    from proxy.report.tail import follow, line_of, matches

    try:
        files_of(journals)
        for entry in follow(journals, from_start=from_start):
            if is_turn(entry) and matches(entry, wanted):
                click.echo(line_of(entry))
    except NoJournal as error:
        refuse(error)
    except KeyboardInterrupt:
        pass


REPLAY = """Serve recorded turns again: the bytes of then by the rules of today, without any model server.

WHAT is the id of a turn, `last`, or a file with records; without it all turns of the journal are served again. What comes out
otherwise is printed. With --live the model is asked again instead.

\b
Exit codes:
  0  everything came out as it did then
  1  something came out otherwise
  2  a wrong option
  3  nothing could be served again
"""


@click.command(help=REPLAY, context_settings=LOOK)
@click.argument("what", nargs=-1)
@journal_option()
@since_option
@config_option
@click.option("--live", metavar="URL", help="Ask the model behind this server again.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each turn.")
@click.pass_context
def replay(  # noqa: PLR0913, PLR0917 - a command's options
    context: click.Context,
    /,
    what: Sequence[str],
    journals: Sequence[Path],
    since: str | None,
    file: FileSettings,
    live: str | None,
    *,
    as_json: bool,
) -> None:
    import asyncio

    from proxy.records.read import NoJournal, Skipped
    from proxy.replay import printed
    from proxy.replay.terms import NOBODY, settings_for

    skipped = Skipped()
    try:
        found = list(_chosen(what, journals, skipped, _since(context, since)))
    except NoJournal as error:
        refuse(error)
    with settings_refused(context, "--live"):
        settings = settings_for(file, upstream=live or NOBODY, key=secrets(context)["upstream_key"])
    sys.exit(asyncio.run(printed.run(found, settings, skipped.sentences(), live=live is not None, as_json=as_json)))


def _chosen(what: Sequence[str], journals: Sequence[Path], skipped: Skipped, since: float) -> Iterator[dict[str, Any]]:
    """Yield the turns that are named: ids, or files."""
    from proxy.records.read import entries, find, is_turn

    if not what:
        yield from filter(is_turn, entries(journals, skipped, since))
    for each in what:
        if Path(each).exists():
            yield from filter(is_turn, entries([Path(each)], skipped, since))
        else:
            yield find(journals, each)


COMMANDS = (report, show, tail, replay, sql)
