"""What the commands of the command line share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pydantic import ValidationError

from proxy.config_file import explain

KEYS = {"upstream_key": "TOOLMEND_UPSTREAM_KEY", "client_key": "TOOLMEND_CLIENT_KEY"}
"""Secrets come from the environment only: command lines and files are read by others."""

LOOK = {"max_content_width": 100, "show_default": True, "auto_envvar_prefix": "TOOLMEND"}

Command = TypeVar("Command", bound=Callable[..., Any])


def complaints(error: ValidationError) -> Iterable[str]:
    """Say what is wrong with the settings, one line each."""
    for detail in error.errors():
        yield explain(detail) if detail["loc"] else str(detail["ctx"]["error"])
