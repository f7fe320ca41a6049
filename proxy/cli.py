"""The command line: what `toolmend` can do, and how it is told."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from proxy import cli_config, cli_data, cli_doctor, cli_journal
from proxy.cli_shared import (
    FILE,
    KEYS,
    LOOK,
    PATH,
    Command,
    ca_option,
    files_refused,
    how_to_install,
    read_file,
    secrets,
    settings_refused,
)
from proxy.modes import Bodies, Mode, StreamMode
from proxy.version import version

if TYPE_CHECKING:
    from proxy.settings import FileSettings, Settings

ABOUT = """Makes local models work under unchanged agent frameworks: it mends their tool calls.

toolmend stands between an agent framework (OpenHands, or anything that calls tools over the OpenAI API) and a model
server (vLLM first). It checks each tool call against its JSON Schema, mends what can be mended safely,
asks the model again when only the model can help, and writes down every turn that was not right as it came.

\b
Examples:
  toolmend demo
  toolmend serve --upstream http://127.0.0.1:8000
"""

SERVE = """Serve the OpenAI API on one side and mend what comes from the model server on the other.

Point your agent framework's base URL at http://127.0.0.1:8900/v1 and leave the rest of it as it is.

\b
Examples:
  toolmend serve --upstream http://127.0.0.1:8000
  toolmend serve --config toolmend.toml --mode observe --journal ./journal
"""

MORE = """\b
Environment:
  TOOLMEND_<OPTION>      any option above: TOOLMEND_PORT=8901, TOOLMEND_MODE=off
  TOOLMEND_UPSTREAM_KEY  key for the model server; unset: the client's own key is passed on
  TOOLMEND_CLIENT_KEY    key that clients must present; unset, and no --client-keys-file: nobody is asked
  TOOLMEND_UPSTREAM_KEY_FILE, TOOLMEND_CLIENT_KEY_FILE
                         a file that holds the key, in place of the variable (container secrets)
The command line wins over the environment, the environment over the file, the file over the defaults.

\b
Config file (TOML; every option above is a key, with _ for -):
  upstream = "http://127.0.0.1:8000"
  mode = "repair"
  [limits]                    # bounds of time and size
  first_byte_seconds = 600
  [budget]                    # what asking again may cost in one turn
  asks = 2
  [[profile]]                 # how a model is spoken to
  name = "mine"
  extends = "gemma-4"
  match = ["my-gemma*"]
A wrong key or value is named with its line, and nothing is served.

\b
Exit codes:
  0  stopped as it was asked to
  1  could not serve (the port is taken, a worker would not start)
  2  a wrong option, variable or configuration file
"""


def _version(context: click.Context, _parameter: click.Parameter, asked: bool) -> None:
    """Print the version, and end."""
    if not asked or context.resilient_parsing:
        return
    click.echo(f"toolmend, version {version()}")
    context.exit()


@click.group(help=ABOUT, context_settings=LOOK)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    show_envvar=False,
    help="Show the version and exit.",
)
def toolmend() -> None:
    pass


@toolmend.command(context_settings=LOOK)
@click.option("--serve", is_flag=True, help="Keep the simulated model and toolmend running, to point a client at.")
@click.option("--port", default=8900, type=click.IntRange(0, 65535), help="Port to listen on, with --serve.")
def demo(*, serve: bool, port: int) -> None:
    """Show what toolmend does, without a model: a simulated one makes the usual mistakes, and they are mended."""
    stage = import_module("proxy.demo.run")
    sys.exit(stage.run_server(port) if serve else stage.run())


@toolmend.command(context_settings=LOOK)
@click.option("--upstream", metavar="URL", required=True, help="Base URL of the model server, with or without /v1.")
@click.option("--model", metavar="NAME", help="Which model to ask.  [default: the one that is loaded]")
@ca_option
@click.pass_context
def probe(context: click.Context, /, model: str | None, **given: Any) -> None:
    """Ask a model server what it can do, by at most five small requests, and print it.

    The exit code is 0 where a model was asked. TOOLMEND_UPSTREAM_KEY is the key for the server.
    """
    with settings_refused(context), files_refused(context):
        settings = import_module("proxy.settings").Settings.model_validate(
            {**given, "upstream_key": secrets(context)["upstream_key"]}
        )
        import_module("proxy.tls").check(settings)
    sys.exit(import_module("proxy.probe_table").run(settings, model))


def _read_file(context: click.Context, _parameter: click.Parameter, path: Path | None) -> Path | None:
    """Make what the file says the defaults of the other options."""
    settings = read_file(context, path)
    given = settings.model_fields_set - {"limits", "budget", "profile", "server"}
    context.obj = settings
    context.default_map = {key: getattr(settings, key) for key in given}
    return path


def _options(command: Command) -> Command:
    """Add the options that are settings: each is also a key of the file and a variable."""
    choices = {
        "mode": (Mode, "repair", "repair; observe: change nothing, record what would be; off: relay."),
        "stream": (StreamMode, "eager", "eager: text goes out at once; hold: keep the turn, so that prose can be redone."),
        "journal_bodies": (Bodies, "on", "off: the journal has lengths and hashes in place of texts."),
    }
    options = [
        click.option("--upstream", metavar="URL", help="Base URL of the model server, with or without /v1.  [required]"),
        click.option("--host", default="127.0.0.1", help="Address to listen on."),
        click.option("--port", default=8900, type=click.IntRange(0, 65535), help="Port to listen on."),
        click.option(
            "--config",
            type=PATH,
            is_eager=True,
            callback=_read_file,
            help="TOML file; see below.",
        ),
        click.option(
            "--journal",
            metavar="DIRECTORY",
            help="Where to write down turns that were not right; -: standard output.  [default: nowhere]",
        ),
        *(
            click.option(f"--{name.replace('_', '-')}", default=default, type=click.Choice(get_args(kind)), help=text)
            for name, (kind, default, text) in choices.items()
        ),
        click.option("--workers", default=1, type=click.IntRange(1, 64), help="Processes that share the port."),
        click.option(
            "--probe/--no-probe", default=True, help="Ask the model server what it can do, by at most five small requests."
        ),
        click.option(
            "--metrics-port",
            default=0,
            type=click.IntRange(0, 65535),
            help="Port of the metrics, for Prometheus; 0: none. Worker n has the n-th port from there.",
        ),
        click.option("--metrics-host", default="127.0.0.1", help="Address of the metrics; nobody is asked for a key there."),
        click.option("--otel", is_flag=True, help="Trace requests for OpenTelemetry; the variables OTEL_* say where to."),
        click.option("--no-key-needed", is_flag=True, help="Allow a --host that others can reach without a client key."),
        click.option("--client-keys-file", type=PATH, help="File with keys that clients may present, one a line."),
        click.option("--tls-cert", type=PATH, help="Certificate (PEM, with its chain): serve https in place of http."),
        click.option("--tls-key", type=PATH, help="Its private key (PEM, without a password), where it is not in the same file."),
        ca_option,
        click.option("--worker", type=int, hidden=True),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@toolmend.command(help=SERVE, epilog=MORE, context_settings=LOOK)
@_options
@click.pass_context
def serve(context: click.Context, /, **given: Any) -> None:
    from proxy import workers

    settings = _settings(context, given)
    for warning in warnings_of(settings):
        click.echo(f"toolmend: {warning}", err=True)
    if settings.workers > 1 and settings.worker is None:
        sys.exit(workers.run(settings.workers, workers.same_command(), settings.limits.drain_seconds + 10))
    if settings.worker is not None:
        workers.end_with_parent()
    sys.exit(import_module("proxy.serve").run(settings))


def _settings(context: click.Context, given: dict[str, Any]) -> Settings:
    """Join options, environment and file into the one frozen object."""
    from proxy import tls
    from proxy.settings import Settings

    if not given["upstream"]:
        raise click.UsageError(
            'needs the model server: --upstream URL (or TOOLMEND_UPSTREAM, or "upstream" in the file)', context
        )
    del given["config"]
    in_file: FileSettings = context.obj
    tables = {name: getattr(in_file, name) for name in ("limits", "budget", "profile", "server")}
    named = (each.key_variable for each in in_file.server if each.key_variable)
    tables["server_keys"] = {name: environ[name] for name in named if environ.get(name)}
    keys = {**secrets(context), "client_keys": _client_keys(context, given["client_keys_file"])}
    with settings_refused(context), files_refused(context):
        settings = Settings.model_validate({**given, **tables, **keys, "journal": given["journal"] or None})
        tls.check(settings)
    if settings.otel:
        _check_tracing(context)
    return settings


def _check_tracing(context: click.Context) -> None:
    try:
        from proxy import tracing
    except ImportError as error:
        text = f"--otel needs {error.name}, which is not installed: {how_to_install('otel')}"
        raise click.UsageError(text, context) from None
    try:
        tracing.check()
    except tracing.TracingError as error:
        raise click.UsageError(str(error), context) from None


def _client_keys(context: click.Context, path: Path | None) -> tuple[str, ...]:
    from proxy.keys import KeyFileError, read_keys

    try:
        return read_keys(path) if path else ()
    except KeyFileError as error:
        raise click.UsageError(f"--client-keys-file {error}", context) from None


def warnings_of(settings: Settings) -> list[str]:
    """Say what is allowed and yet most likely not meant."""
    from proxy.keys import readable_by_all

    unknown = unknown_variables(set(environ) - set(settings.server_keys))
    file = settings.client_keys_file
    if file and readable_by_all(file):
        return [*unknown, f"{file}: everybody on this machine can read the clients' keys (chmod 600)"]
    return unknown


def unknown_variables(variables: Iterable[str]) -> list[str]:
    """Warn of TOOLMEND_ variables that nothing reads: most likely slips of the pen."""
    from difflib import get_close_matches

    secret = {f"{each}{end}" for each in KEYS.values() for end in ("", FILE)}
    known = {f"TOOLMEND_{parameter.name}".upper() for parameter in serve.params} | secret
    warnings = []
    for name in sorted(variables):
        if name.startswith("TOOLMEND_") and name not in known:
            near = get_close_matches(name, known, 1)
            warnings.append(f"the variable {name} is not known" + (f"; did you mean {near[0]}?" if near else ""))
    return warnings


for _command in (
    cli_config.config_of(_options, _settings, warnings_of),
    cli_config.completion,
    *cli_doctor.COMMANDS,
    *cli_journal.COMMANDS,
    *cli_data.COMMANDS,
):
    toolmend.add_command(_command)


def main() -> None:
    """Run the command line; the entry point of the distribution."""
    toolmend(prog_name="toolmend")
