"""Everything that exists is registered, and can be named where it must be."""

from __future__ import annotations

import importlib
from pathlib import Path

import adapters.clients
import adapters.models
from adapters.base import Client, Dialect
from adapters.registry import CLIENTS, DIALECTS, PREFIXES
from proxy.ladder import SURVIVED
from proxy.profiles import load


def found(package: str, folder: Path, kind: type) -> set[str]:
    """Return the names of all values of a kind that the modules of a package define."""
    modules = (importlib.import_module(f"{package}.{path.stem}") for path in folder.glob("[!_]*.py"))
    return {value.name for module in modules for value in vars(module).values() if isinstance(value, kind)}


def test_every_dialect_is_registered() -> None:
    assert found("adapters.models", Path(adapters.models.__path__[0]), Dialect) == set(DIALECTS)


def test_every_client_is_registered() -> None:
    assert found("adapters.clients", Path(adapters.clients.__path__[0]), Client) == {client.name for client in CLIENTS}


def test_every_profile_names_dialects_that_exist() -> None:
    for profile in load():
        assert set(profile.reads) <= set(DIALECTS)
        assert profile.text_dialect in DIALECTS


def test_every_prefix_names_clients_and_takes_everything() -> None:
    for clients in PREFIXES.values():
        assert set(clients) <= set(CLIENTS)
        assert clients[-1].recognises({"messages": []})


def test_it_is_known_what_each_client_survives() -> None:
    assert set(SURVIVED) == {client.name for client in CLIENTS} - {"passthrough"}
