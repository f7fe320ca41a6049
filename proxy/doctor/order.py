"""What an examination is asked to do."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from proxy.doctor.scenarios import LEVELS, Level
from proxy.settings import Settings
from proxy.tls import upstream_context


@dataclass(frozen=True, slots=True)
class Order:
    """See above.

    settings   as toolmend would serve with: the model server, its key, profiles
    proxy      URL of a toolmend that runs already; empty: one is started for the time
    proxy_key  sent to it
    repeats    how often each play is played
    seconds    the most that one answer may take
    limit      tokens that one answer may have
    """

    settings: Settings
    model: str = ""
    proxy: str = ""
    proxy_key: str | None = None
    repeats: int = 1
    levels: tuple[Level, ...] = tuple(LEVELS)
    seconds: float = 60.0
    limit: int = 2048

    @property
    def trust(self) -> ssl.SSLContext | bool:
        """How an https server is checked."""
        return upstream_context(self.settings)

    @property
    def key(self) -> str | None:
        """The key for the model server."""
        held = self.settings.upstream_key
        return held.get_secret_value() if held is not None else None
