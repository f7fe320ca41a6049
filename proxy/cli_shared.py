"""What the commands of the command line share. What one command needs is imported in it: the others do without."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

if TYPE_CHECKING:
    from pydantic import ValidationError

    from proxy.settings import FileSettings

KEYS = {"upstream_key": "TOOLMEND_UPSTREAM_KEY", "client_key": "TOOLMEND_CLIENT_KEY"}
"""Secrets come from the environment only: command lines and files are read by others."""

FILE = "_FILE"
"""Behind such a variable's name: the variable holds the path of a file with the secret, as container secrets are mounted."""

LOOK = {"max_content_width": 100, "show_default": True, "auto_envvar_prefix": "TOOLMEND"}

PATH = click.Path(path_type=Path)

Command = TypeVar("Command", bound=Callable[..., Any])


def complaints(error: ValidationError) -> Iterable[str]:
    """Say what is wrong with the settings, one line each."""
    from proxy.config_file import explain

    for detail in error.errors():
        yield explain(detail) if detail["loc"] else str(detail["ctx"]["error"])


@contextmanager
def settings_refused(context: click.Context, option: str = "") -> Iterator[None]:
    """Refuse wrong settings (exit code 2), every mistake named; `option` says where all of them came from."""
    from pydantic import ValidationError

    try:
        yield
    except ValidationError as error:
        text = f"{option} {'; '.join(complaints(error))}" if option else "\n".join(complaints(error))
        raise click.UsageError(text, context) from None


def secrets(context: click.Context) -> dict[str, str | None]:
    """Return the secrets of the environment by name: of `TOOLMEND_CLIENT_KEY`, or of the file `TOOLMEND_CLIENT_KEY_FILE`."""
    return {name: _secret(context, variable) for name, variable in KEYS.items()}


def _secret(context: click.Context, variable: str) -> str | None:
    key, file = environ.get(variable), environ.get(f"{variable}{FILE}")
    if key and file:
        raise click.UsageError(f"{variable} and {variable}{FILE} exclude each other: set one of them", context)
    if not file:
        return key or None
    from proxy.keys import KeyFileError, read_key

    try:
        return read_key(Path(file))
    except KeyFileError as error:
        raise click.UsageError(f"{variable}{FILE}: {error}", context) from None


def read_file(context: click.Context, path: Path | None) -> FileSettings:
    """Read a configuration file; without one all is as by default. A wrong one is refused (exit code 2)."""
    from proxy.config_file import ConfigError, read_config
    from proxy.settings import FileSettings

    try:
        return read_config(path) if path else FileSettings()
    except ConfigError as error:
        raise click.UsageError(f"the configuration file is wrong\n{error}", context) from None


def _read_option(context: click.Context, _parameter: click.Parameter, path: Path | None) -> FileSettings:
    return read_file(context, path)


config_option = click.option(
    "--config",
    "file",
    type=PATH,
    envvar="TOOLMEND_CONFIG",
    callback=_read_option,
    help="TOML file with the profiles that served the turns.",
)


ca_option = click.option("--upstream-ca", type=PATH, help="Authority (PEM) that may vouch for an https model server, too.")


@contextmanager
def files_refused(context: click.Context) -> Iterator[None]:
    """Refuse certificates and keys that cannot be used (exit code 2)."""
    from proxy.tls import TlsError

    try:
        yield
    except TlsError as error:
        raise click.UsageError(str(error), context) from None


def journal_option(
    text: str = "Directory of a journal, or a file of one, also a compressed one; may be given several times.",
    kind: click.ParamType[Any] = PATH,
) -> Callable[[Command], Command]:
    """Return the option that says which journals are read."""
    return click.option(
        "--journal", "journals", multiple=True, default=("journal",), envvar="TOOLMEND_JOURNAL", type=kind, help=text
    )


def refuse(why: object) -> NoReturn:
    """End a command with exit code 1."""
    click.echo(f"toolmend: {why}", err=True)
    sys.exit(1)


def how_to_install(extra: str) -> str:
    """Say how the packages of an extra are installed: into this Python, from the checkout where toolmend runs from one."""
    root = Path(__file__).resolve().parents[1]
    what = f"-e '{root}[{extra}]'" if (root / "pyproject.toml").exists() else f"'toolmend[{extra}]'"
    return f"{sys.executable} -m pip install {what}"
