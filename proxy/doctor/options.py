"""What the command line says, as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from proxy import tls
from proxy.config_file import read_config
from proxy.doctor import tuning
from proxy.doctor.command import Output
from proxy.doctor.examine import requests
from proxy.doctor.order import Order
from proxy.doctor.purse import Purse
from proxy.doctor.scenarios import LEVELS
from proxy.settings import FileSettings, ProfileTable, Settings, normal_upstream


def understood_tuning(given: Mapping[str, Any], keys: Mapping[str, str | None]) -> tuple[Order, Purse, Output, tuple[str, ...]]:
    """Return what `toolmend tune` is asked for. Raises as `understood` does, and ValueError for a form that there is not."""
    order, _, output = understood({**given, "proxy": None, "level": (), "requests": 1}, keys)
    wished = tuple(given["protocol"])
    for each in wished:
        _known_form(each)
    return (
        order,
        Purse(given["requests"] or tuning.requests(len(wished) or tuning.MOST, order.repeats), given["tokens"]),
        output,
        wished,
    )


def _known_form(protocol: str) -> None:
    try:
        ProfileTable(name="wished", protocol=protocol)
    except ValidationError as error:
        raise ValueError(f'"--protocol" {error.errors()[0]["ctx"]["error"]}') from None


def understood(given: Mapping[str, Any], keys: Mapping[str, str | None]) -> tuple[Order, Purse, Output]:
    """Return what is asked for, what it may take, and where it goes.

    given  the options of `toolmend doctor`, by name
    keys   the secrets of the environment

    Raises ValidationError and ValueError for a wrong URL, ConfigError and TlsError for a wrong file.
    """
    in_file = read_config(given["config"]) if given["config"] else FileSettings()
    tables = {name: getattr(in_file, name) for name in ("limits", "budget", "profile", "stream")}
    tables["upstream_ca"] = given["upstream_ca"] or in_file.upstream_ca
    settings = Settings.model_validate({"upstream": given["upstream"], "upstream_key": keys["upstream_key"], **tables})
    tls.check(settings)
    try:
        proxy = normal_upstream(given["proxy"]) if given["proxy"] else ""
    except ValueError as error:
        raise ValueError(f'"proxy" {error}') from None
    order = Order(
        settings,
        given["model"],
        proxy,
        keys["client_key"],
        given["repeats"],
        tuple(level for level in LEVELS if not given["level"] or str(level) in given["level"]),
        given["timeout"],
        given["answer_tokens"],
    )
    purse = Purse(given["requests"] or requests(order), given["tokens"])
    return order, purse, Output(given["as_json"], given["write"], given["force"])
