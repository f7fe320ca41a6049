"""Everything that exists is registered, and can be named where it must be."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import adapters.clients
import adapters.models
from adapters.base import Client, Dialect
from adapters.registry import CLIENTS, DIALECTS, PREFIXES
from proxy.ladder import SURVIVED
from proxy.profiles import load
from tests.adapters.clients.judges import JUDGES
from tests.adapters.clients.prompts import REQUESTS


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


def test_no_unknown_model_is_read_in_a_dialect_that_must_be_asked_for() -> None:
    [generic] = [profile for profile in load() if profile.name == "generic"]
    assert not any(DIALECTS[name].asked for name in generic.reads)


def test_every_prefix_names_clients() -> None:
    for clients in PREFIXES.values():
        assert set(clients) <= set(CLIENTS)
    assert CLIENTS[-1].recognises({"messages": []})


def test_every_client_of_swe_agent_has_a_path() -> None:
    own = {client.name.removeprefix("swe_agent_") for client in CLIENTS if client.name.startswith("swe_agent_")}
    paths = {path.removeprefix("/swe-agent/") for path in PREFIXES if path.startswith("/swe-agent/")}
    assert paths == own | {"backticks"}


def test_every_client_has_a_sample() -> None:
    assert set(REQUESTS) == {client.name for client in CLIENTS}


def test_it_is_known_what_each_client_survives() -> None:
    """A client of structured calls gets a broken call as it is, where it answers that with an error; text can carry none."""
    assert set(SURVIVED) == {client.name for client in CLIENTS} - {"passthrough"} - set(JUDGES) | {"openhands_text"}


@pytest.mark.xfail(
    strict=True, reason="backticks, mswea_fence, mswea_tag, command_tag, thought_json, xml_generic are still to be merged"
)
def test_every_client_reads_dialects_that_exist() -> None:
    assert {name for client in CLIENTS for name in client.reads} <= set(DIALECTS)
