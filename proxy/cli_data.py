"""The commands that make something of a journal's turns: the smallest request, an example, data for fine-tuning."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy.cli_shared import Command, config_option, journal_option, secrets, settings_refused

if TYPE_CHECKING:
    from proxy.settings import FileSettings

FORMATS = ("openai", "sharegpt", "mini-swe")
TRIALS = 60
"""Requests that are tried with a live model, unless it is said otherwise."""


def _from_journals(command: Command) -> Command:
    """Add the options that all of these commands have."""
    for option in (
        click.option("--shortened", is_flag=True, help="Take turns, too, whose requests were too long to be kept whole."),
        config_option,
        journal_option(),
    ):
        command = option(command)
    return command


_OUT = click.option("--out", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Write there, not to stdout.")


class _Output:
    """Where lines go. A file is begun with the first of them, and readable by its owner only, as a journal is."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._mode = "wb"

    def write(self, line: bytes) -> None:
        """Write a line."""
        if self._path is None:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
            return
        try:
            with open(self._path, self._mode, opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(line)
        except OSError as error:
            raise _refusal(f"{self._path}: {error.strerror}") from None
        self._mode = "ab"


def _refusal(why: str) -> click.ClickException:
    """Return what ends a command with exit code 1."""
    return click.ClickException(why)


@click.command()
@click.argument("turn")
@click.option("--live", metavar="URL", help="Ask this model server again, instead of what was recorded.")
@click.option("--repeats", default=3, type=click.IntRange(1, 99), show_default=True, help="Answers to one request, with --live.")
@click.option("--trials", default=TRIALS, type=click.IntRange(1), show_default=True, help="Requests that are tried, with --live.")
@_OUT
@_from_journals
@click.pass_context
def minimise(context: click.Context, /, out: Path | None, live: str | None, **given: Any) -> None:
    """Find the fewest tools and messages with which a TURN still fails in the same way.

    TURN is an id as in x-toolmend-turn, the beginning of one, or "last". The record that is printed is a line of a journal.
    Without --live the recorded answers are served again, and no model is asked. TOOLMEND_UPSTREAM_KEY is the key for one that is.
    """
    commands = import_module("proxy.replay.commands")
    chosen = commands.Chosen(given["journals"], given["turn"], given["file"], given["shortened"])
    key = secrets(context)["upstream_key"]
    again = commands.Again(live, key, given["repeats"], given["trials"]) if live else None
    try:
        if again:
            click.echo(f"toolmend: {commands.cost_of(chosen, again)}", err=True)
        with settings_refused(context):
            line, summary = commands.minimised(chosen, again)
    except commands.Impossible as error:
        raise _refusal(str(error)) from None
    _Output(out).write(line)
    click.echo(summary, err=True)


@click.command()
@click.argument("turn")
@_from_journals
def example(journals: tuple[Path, ...], turn: str, file: FileSettings, *, shortened: bool) -> None:
    """Print the example that pins a TURN: Python source for a rule's file, or a line for the corpus.

    TURN is an id as in x-toolmend-turn, the beginning of one, or "last".
    """
    commands = import_module("proxy.replay.commands")
    try:
        click.echo(commands.example(commands.Chosen(journals, turn, file, shortened)))
    except commands.Impossible as error:
        raise _refusal(str(error)) from None


@click.command()
@click.option("--format", "form", type=click.Choice(FORMATS), default="openai", show_default=True, help="See docs/export.md.")
@click.option("--pairs", is_flag=True, help="Preference pairs: what was delivered, and the model's first answer.")
@_OUT
@_from_journals
def export(journals: tuple[Path, ...], file: FileSettings, out: Path | None, form: str, **given: bool) -> None:
    """Write mended turns as data for fine-tuning, one JSON object a line.

    Only turns that were put right and whose calls fit their schemas; secrets are taken out. What is left out, and why, is told on
    stderr.
    """
    run, read = import_module("proxy.export.run"), import_module("proxy.records.read")
    wanted = run.Wanted(form, given["pairs"], given["shortened"])
    try:
        told = run.export(journals, file, wanted, _Output(out).write)
    except read.NoJournal as error:
        raise _refusal(str(error)) from None
    click.echo("\n".join(told.lines()), err=True)
    if not told.written:
        raise _refusal("nothing was fit to be exported")


COMMANDS = (minimise, example, export)
