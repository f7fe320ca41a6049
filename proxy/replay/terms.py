"""What recorded turns are served again by: the profiles of a configuration file, and nobody's server or a live one."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from proxy.checker import UNHURRIED, Checker
from proxy.profiles import load
from proxy.rendering import CUT
from proxy.replay.run import Entry, NotReplayable, Terms
from proxy.settings import FileSettings, Settings
from proxy.upstream import Upstream

NOBODY: Final = "http://127.0.0.1:9"
"""Stands for the model server where none is asked."""


def settings_for(file: FileSettings, *, upstream: str = NOBODY, key: str | None = None) -> Settings:
    """Return what a file says about serving turns; the mode is the one that each turn was recorded in. Raises ValidationError."""
    told = {name: getattr(file, name) for name in ("stream", "limits", "budget", "profile")}
    return Settings.model_validate({**told, "upstream": upstream, "upstream_key": key})


@asynccontextmanager
async def terms_for(settings: Settings, *, live: bool = False) -> AsyncIterator[Terms]:
    """Provide what turns are served by, for as long as they are: `live` asks the model server that the settings name."""
    checker = Checker(UNHURRIED)
    upstream = Upstream(settings) if live else None
    try:
        yield Terms(settings, load(settings.profile), checker, upstream)
    finally:
        await checker.aclose()
        if upstream is not None:
            await upstream.close()


def be_quiet() -> None:
    """Let no turn that is served again be told to the operator: it is none of a client's."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def refuse_shortened(entry: Entry, *, allowed: bool) -> None:
    """Raise NotReplayable for a record whose request was shortened, unless that is allowed."""
    if entry.get("request", {}).get("shortened") and not allowed:
        raise NotReplayable("its request was too long to be kept whole: texts in it were cut (--shortened takes it as it is)")


def is_cut(text: str) -> bool:
    """Tell whether the journal has cut the middle out of a text."""
    return CUT.search(text) is not None
