"""Reads the configuration file, and names what is wrong in it: file, line, and what would be right."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from proxy.profiles import ProfileError, load
from proxy.settings import Budget, FileSettings, Limits, ProfileTable, ServerTable
from proxy.toml_lines import Path as Where
from proxy.toml_lines import key_lines, line_of

TABLES: Mapping[Where, type[BaseModel]] = {
    (): FileSettings,
    ("limits",): Limits,
    ("budget",): Budget,
    ("profile",): ProfileTable,
    ("server",): ServerTable,
}

REPEATED = ("profile", "server")
"""Tables that may come several times."""

SECRETS = {
    "upstream_key": "TOOLMEND_UPSTREAM_KEY",
    "api_key": "TOOLMEND_UPSTREAM_KEY",
    "client_key": 'TOOLMEND_CLIENT_KEY (or client_keys_file = "...")',
}

WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "a text in quotes",
    "path_type": "a text in quotes",
    "tuple_type": "a list in [brackets]",
    "list_type": "a list in [brackets]",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "string_too_short": "a text that is not empty",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
}
"""Kind of a pydantic error -> what the value must be."""


class ConfigError(Exception):
    """Raised where the configuration file cannot be used; one line of text per mistake."""


def read_config(path: Path) -> FileSettings:
    """Read and check a TOML file; raise ConfigError with every mistake in it."""
    try:
        text = path.read_text(encoding="utf-8")
        found = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(not_toml(path, text, error)) from None
    try:
        settings = FileSettings.model_validate(found)
        load(settings.profile)
    except ValidationError as error:
        wrong = [(detail["loc"], explain(detail)) for detail in error.errors()]
    except ProfileError as error:
        wrong = [(("profile", error.index, error.key), error.complaint)]
    else:
        return settings
    lines = key_lines(text)
    placed = sorted((line_of(lines, where) or 1, complaint) for where, complaint in wrong)
    raise ConfigError("\n".join(f"{path}:{line}: {complaint}" for line, complaint in placed))


def not_toml(path: Path, text: str, error: tomllib.TOMLDecodeError) -> str:
    """Say where a text stops being TOML."""
    at = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", str(error))
    line = at.group(1) if at and at.group(1) else str(max(1, len(text.splitlines())))
    return f"{path}:{line}: not valid TOML: {str(error)[: at.start()] if at else error}"


def explain(detail: ErrorDetails) -> str:
    """Say in plain words what is wrong with one value, and what would be right."""
    where, kind = detail["loc"], detail["type"]
    if kind == "extra_forbidden":
        return unknown_key(where)
    if kind == "missing":
        return f'{table_name(where[:-1])} needs the key "{where[-1]}"'
    key, value, context = spelled(where), detail["input"], detail.get("ctx", {})
    if kind == "literal_error":
        return wrong_choice(key, value, allowed_values(str(context["expected"])))
    if kind == "value_error":
        return f'"{key}" {context["error"]}'
    if kind in WANTED:
        return f'"{key}" must be {WANTED[kind].format(**context)}, not {shown(value)}'
    return f'"{key}": {detail["msg"]}'


def unknown_key(where: Where) -> str:
    """Say that a key is unknown, and which one is near."""
    key = str(where[-1])
    inside = table_of(where[:-1])
    if key in SECRETS and inside is ServerTable:
        return f'"{key}" is a secret and not read from a file; name the variable that holds it: key_variable = "MY_SERVER_KEY"'
    if key in SECRETS:
        return f'"{key}" is a secret and not read from a file; set the variable {SECRETS[key]}'
    text = f'unknown key "{key}"' + (f" in {table_name(where[:-1])}" if len(where) > 1 else "")
    elsewhere = [each for each, model in TABLES.items() if model is not inside and key in model.model_fields]
    if elsewhere:
        return f"{text}; it belongs " + (f"into {table_name(elsewhere[0])}" if elsewhere[0] else "before the first [table]")
    near = get_close_matches(key.lower().replace("-", "_"), list(inside.model_fields), 1)
    return f'{text}; did you mean "{near[0]}"?' if near else f"{text}; known keys: {', '.join(inside.model_fields)}"


def wrong_choice(key: str, value: object, allowed: list[str]) -> str:
    """Say which values a key may have, and which one is near."""
    near = get_close_matches(value.lower(), allowed, 1) if isinstance(value, str) else []
    text = f'"{key}" must be {" or ".join(f"{chr(34)}{each}{chr(34)}" for each in allowed)}, not {shown(value)}'
    return f'{text}; did you mean "{near[0]}"?' if near else text


def allowed_values(expected: str) -> list[str]:
    return re.findall(r"'([^']*)'", expected)


def table_of(where: Where) -> type[BaseModel]:
    return TABLES.get(where[:1], FileSettings)


def table_name(where: Where) -> str:
    match where:
        case ():
            return "the file"
        case (str(name), *_) if name in REPEATED:
            return f"[[{name}]]"
        case _:
            return f"[{spelled(where)}]"


def spelled(where: Where) -> str:
    """Write a path as one writes it in TOML; the number of a repeated table is told by the line."""
    keys = where[2:] if where and where[0] in REPEATED and len(where) > 2 else where
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).lstrip(".")


def shown(value: Any) -> str:
    """Show a value as it could stand in the file, shortened."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value[:60]}"'
        case dict():
            return "a table"
        case list():
            return "a list"
        case _:
            return str(value)[:60]
