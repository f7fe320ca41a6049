"""Writes into docs/configuration.md every key of the settings, and every option of `toolmend serve`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docs.markdown import in_code, with_between
from proxy.cli import serve
from proxy.profiles import load
from proxy.settings import Budget, FileSettings, Limits, PatienceTable, ProfileTable, ServerTable
from rules.conversation import Patience

PAGE = Path(__file__).with_name("configuration.md")
OPTIONS = ("<!-- options: written by `make docs` -->\n", "<!-- end of options -->")
KEYS = ("<!-- keys: written by `make docs` -->\n", "<!-- end of keys -->")
PROFILE = ("<!-- profile: written by `make docs` -->\n", "<!-- end of profile -->")
HEAD: Final = "| key | type | default | unit | what it does |\n|---|---|---|---|---|\n"
TABLES: Final = (("[limits]", Limits), ("[budget]", Budget), ("[[server]]", ServerTable))
UNITS: Final = {"bytes": "bytes", "seconds": "s", "tokens": "tokens"}
OWN: Final = frozenset({"name", "match", "mode", "reads"})
"""Keys of a profile whose default says nothing: they are each profile's own, or the process's."""
WORDS: Final = {
    int: "whole number",
    float: "number",
    str: "text",
    bool: "true, false",
    Path: "path",
    dict: "table",
    tuple: "list",
}


def page(before: str) -> str:
    """Return the page with its tables written anew."""
    profile = f"{HEAD}{''.join(_profile())}\n`[profile.patience]`:\n\n{HEAD}{''.join(_patience())}"
    keys = "".join(f"`{name}`:\n\n{HEAD}{''.join(_rows(model))}\n" for name, model in TABLES)
    text = with_between(before, *OPTIONS, f"{OPTION_HEAD}{''.join(_options())}")
    return with_between(with_between(text, *KEYS, keys), *PROFILE, profile)


OPTION_HEAD: Final = "| option, key | type | default | what it does |\n|---|---|---|---|\n"


def _options() -> Iterator[str]:
    """Yield the options of `serve`. One that is a key of the file has its type and default from there."""
    for each in serve.params:
        if not isinstance(each, click.Option) or each.hidden:
            continue
        field = FileSettings.model_fields.get(str(each.name))
        kind = type_of(field.annotation) if field else "path"
        names = "`, `".join((*each.opts, *each.secondary_opts))
        text = (each.help or "").split("  [", maxsplit=1)[0].replace("|", "\\|")
        yield f"| `{names}` | {kind} | {_default(field)} | {text} |\n"


def _rows(model: type[BaseModel]) -> Iterator[str]:
    return (row(name, each, _default(each)) for name, each in model.model_fields.items())


def _profile() -> Iterator[str]:
    generic = next(each for each in load() if each.name == "generic")
    for name, each in ProfileTable.model_fields.items():
        known = name not in OWN and hasattr(generic, name)
        yield row(name, each, shown(getattr(generic, name)) if known else "")


def _patience() -> Iterator[str]:
    return (row(name, each, shown(getattr(Patience(), name))) for name, each in PatienceTable.model_fields.items())


def row(name: str, field: FieldInfo, default: str) -> str:
    """Write a key's row."""
    unit = UNITS.get(name.rpartition("_")[2], "")
    text = " ".join((field.description or "").split())
    return f"| `{name}` | {type_of(field.annotation)} | {default} | {unit} | {text.replace('|', chr(92) + '|')} |\n"


def _default(field: FieldInfo | None) -> str:
    return "" if field is None or field.is_required() else shown(field.default)


def shown(default: Any) -> str:
    """Write a default as it would stand in the file."""
    match default:
        case None | BaseModel():
            return ""
        case bool():
            return str(default).lower()
        case tuple():
            return ", ".join(in_code(str(each)) for each in default)
        case str():
            return in_code(default)
        case float():
            return f"{default:g}"
        case int():
            return str(default) if default < 100_000 else f"{default:_}"
        case _:
            return ""


def type_of(annotation: Any) -> str:
    """Name the type of a key as somebody who writes the file would."""
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(in_code(each) for each in inside)
    if origin in (Union, UnionType):
        return " or ".join(type_of(each) for each in inside if each is not NoneType)
    if hasattr(annotation, "__metadata__"):
        return type_of(inside[0])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    return WORDS[origin or annotation]
