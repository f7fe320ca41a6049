"""The commands that examine a model server: `toolmend doctor` and `toolmend tune`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from proxy.cli_shared import LOOK, Command, ca_option, files_refused, secrets, settings_refused

DOCTOR = """Say at which level an agent breaks on a model server, whose fault that is, and what to change.

Three levels: one call with 2 tools; one with 11 tools and a long system prompt; an agent's loop. Each whole and streamed, with
tools in the request and with functions as text in the prompt (as OpenHands asks models that it does not know), directly and
through toolmend. Besides, what the server's flags and its chat template do. No tool is run, and nothing on the server is changed.

\b
Examples:
  toolmend doctor --upstream http://127.0.0.1:8000
  toolmend doctor --upstream http://127.0.0.1:8000 --model my-model --write profile.toml
"""

TUNE = """Measure in which form a model calls tools best, and rank the forms with confidence intervals.

The doctor's scenarios are played through toolmend, with the tools told natively and as text in one dialect after the other.
Nothing is asked again; what rules can mend is mended. No tool is run, and nothing on the server is changed.

\b
Examples:
  toolmend tune --upstream http://127.0.0.1:8000
  toolmend tune --upstream http://127.0.0.1:8000 --protocol native --protocol text:hermes_json --repeats 20
"""

DOCTOR_MORE = """\b
Environment:
  TOOLMEND_UPSTREAM_KEY  key for the model server
  TOOLMEND_CLIENT_KEY    key for the toolmend of --proxy

\b
Exit codes:
  0    nothing breaks directly, and toolmend makes nothing worse (tune: there is a form that works)
  1    something breaks: the report says what, and what to change (tune: no form works)
  2    a wrong option, or a model that has to be named
  3    the server could not be examined: it is down, refuses the key, or is none of the OpenAI API
  130  interrupted: the report is a part
"""


def _asking(repeats: int) -> Callable[[Command], Command]:
    """Add the options that `doctor` and `tune` share."""
    options = [
        click.option("--upstream", metavar="URL", required=True, help="Base URL of the model server, with or without /v1."),
        click.option("--model", metavar="NAME", default="", show_default=False, help="Which model.  [default: the only one]"),
        ca_option,
        click.option("--config", type=click.Path(path_type=Path), help="TOML file with profiles for toolmend."),
        click.option(
            "--repeats", default=repeats, type=click.IntRange(1, 50), help="Plays of each kind; from the second on drawn."
        ),
        click.option("--timeout", default=60.0, type=click.FloatRange(0.1, 3600), help="Seconds that one answer may take."),
        click.option("--answer-tokens", default=2048, type=click.IntRange(1), help="Tokens that one answer may have."),
        click.option("--requests", type=click.IntRange(1), help="Requests that all may take.  [default: what the plan needs]"),
        click.option("--tokens", default=1_000_000, type=click.IntRange(1), help="Tokens that all may take, prompts included."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object in place of words."),
        click.option("--write", type=click.Path(path_type=Path, dir_okay=False), help="Write a configuration file that follows."),
        click.option("--force", is_flag=True, help="Let --write replace a file."),
    ]

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@click.command("doctor", help=DOCTOR, epilog=DOCTOR_MORE, context_settings=LOOK)
@_asking(repeats=1)
@click.option("--proxy", metavar="URL", help="A toolmend that runs already.  [default: one is started for the time]")
@click.option("--level", type=click.Choice(["1", "2", "3"]), multiple=True, help="Only this level; may be given again.")
@click.pass_context
def doctor(context: click.Context, /, **given: Any) -> None:
    order = _understood(context, "understood", given)
    sys.exit(import_module("proxy.doctor.command").run(*order))


@click.command("tune", help=TUNE, epilog=DOCTOR_MORE, context_settings=LOOK)
@_asking(repeats=5)
@click.option(
    "--protocol", metavar="FORM", multiple=True, help="native, or text:<dialect>; may be given again.  [default: likely ones]"
)
@click.pass_context
def tune(context: click.Context, /, **given: Any) -> None:
    order = _understood(context, "understood_tuning", given)
    sys.exit(import_module("proxy.doctor.tune_command").run(*order))


def _understood(context: click.Context, reading: str, given: dict[str, Any]) -> tuple[Any, ...]:
    from proxy.config_file import ConfigError

    try:
        with settings_refused(context), files_refused(context):
            understood: tuple[Any, ...] = getattr(import_module("proxy.doctor.options"), reading)(given, secrets(context))
    except (ConfigError, ValueError) as error:
        raise click.UsageError(str(error), context) from None
    return understood


COMMANDS = (doctor, tune)
