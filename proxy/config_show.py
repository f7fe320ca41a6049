"""The settings as they are, and where each value comes from."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from os import environ
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource
from pydantic import BaseModel, JsonValue, SecretStr
from pydantic_core import to_jsonable_python

from proxy.cli_shared import FILE, KEYS
from proxy.settings import Settings
from proxy.tables import table
from proxy.toml_lines import Path as Where
from proxy.toml_lines import key_lines

HIDDEN: Final = frozenset({"worker", "server_keys"})
DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class Row:
    """One setting.

    value   as JSON; of a secret "set" or "unset"
    origin  `default`, a file and its line, a variable, or an option
    """

    key: str
    value: JsonValue
    origin: str

    def as_json(self) -> dict[str, JsonValue]:
        """Return the row as JSON."""
        return asdict(self)


def rows(settings: Settings, context: click.Context) -> list[Row]:
    """Return all settings, in the order of the model. The context is that of the command that they were told to."""
    path: Path | None = context.params["config"]
    lines = key_lines(path.read_text(encoding="utf-8")) if path else {}
    from_file = {where: f"{path}:{line}" for where, line in lines.items()}
    found = [Row("config", str(path) if path else None, _told(context, "config", from_file))]
    for name in Settings.model_fields:
        if name not in HIDDEN:
            found += _rows(settings, name, context, from_file)
    return found


def _rows(settings: Settings, name: str, context: click.Context, from_file: dict[Where, str]) -> Iterator[Row]:
    value = getattr(settings, name)
    if name == "client_keys":
        yield Row(name, _whether(value), _told(context, "client_keys_file", from_file))
    elif name in KEYS or _is_secret(value):
        yield Row(name, _whether(value), _variable(name))
    elif name in context.params:
        yield Row(name, to_jsonable_python(value), _told(context, name, from_file))
    else:
        yield from _table((name,), value, from_file)


def _is_secret(value: Any) -> bool:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,)
    return any(isinstance(each, SecretStr) for each in inside)


def _whether(secret: Any) -> str:
    return "set" if secret else "unset"


def _variable(name: str) -> str:
    """Return the variable that a secret comes from."""
    if name not in KEYS:
        return "variables"
    return next((each for each in (KEYS[name], f"{KEYS[name]}{FILE}") if environ.get(each)), DEFAULT)


def _told(context: click.Context, name: str, from_file: dict[Where, str]) -> str:
    match context.get_parameter_source(name):
        case ParameterSource.COMMANDLINE:
            return f"--{name.replace('_', '-')}"
        case ParameterSource.ENVIRONMENT:
            return f"TOOLMEND_{name.upper()}"
        case ParameterSource.DEFAULT_MAP:
            return from_file[(name,)]
    return DEFAULT


def _table(where: Where, value: Any, from_file: dict[Where, str]) -> Iterator[Row]:
    """Yield the rows of what only the file can say. Of what stands several times only what is written is shown."""
    if isinstance(value, tuple) and any(isinstance(each, BaseModel) for each in value):
        for number, each in enumerate(value):
            yield from _table((*where, number), each, from_file)
    elif isinstance(value, BaseModel):
        several = any(isinstance(each, int) for each in where)
        for name in type(value).model_fields:
            if not several or name in value.model_fields_set:
                yield from _table((*where, name), getattr(value, name), from_file)
    elif value != ():
        key = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in where).lstrip(".")
        yield Row(key, to_jsonable_python(value), from_file.get(where, DEFAULT))


def lines(found: Sequence[Row]) -> Iterable[str]:
    """Return the rows as a table."""
    rows = [(row.key, _shown(row.value), row.origin) for row in found]
    return table(("setting", "value", "from"), rows).splitlines()


def _shown(value: JsonValue) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return str(value).lower()
        case dict() | list():
            return str(to_jsonable_python(value))
        case _:
            return str(value)


def empty_values(path: Path | None) -> list[str]:
    """Say which variables and keys of the file are set but empty: a template that was not filled in looks so."""
    variables = [
        f"the variable {name} is set but empty, which counts as unset"
        for name in sorted(environ)
        if name.startswith("TOOLMEND_") and not environ[name].strip()
    ]
    if path is None:
        return variables
    text = path.read_text(encoding="utf-8")
    values = list(_empty((), tomllib.loads(text)))
    at = key_lines(text)
    return [*variables, *(f'{path}:{at.get(where, 1)}: "{where[-1]}" is set but empty' for where in values)]


def _empty(where: Where, value: Any) -> Iterator[Where]:
    """Yield where texts, lists and tables without anything in them stand."""
    if where and value in ("", [], {}):
        yield where
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield from _empty((*where, key), each)
