"""How often a question may be sent to a model server a second time, because its connection failed before any answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final

import aiohttp

SPARE: Final = 3.0
"""Questions that may be sent again at any time."""

SHARE: Final = 0.2
"""And so many more for each that is sent."""


class Retries:
    """Keeps what is sent again within `SPARE` and `SHARE` of all: a server that fails always is not asked twice as often."""

    def __init__(self) -> None:
        self._left = SPARE

    def sent(self) -> None:
        """Count a question that is sent for the first time."""
        self._left = min(self._left + SHARE, SPARE)

    def take(self) -> bool:
        """Say whether a question may be sent again, and count it."""
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Trial:
    """One question sent. `reused`: on a connection that was used before: where that fails, the server had closed it."""

    def __init__(self) -> None:
        self.reused = False


def told_of_reuse() -> aiohttp.TraceConfig:
    """Return what tells a session's trials (`trace_request_ctx`) that their connection was used before."""

    async def reused(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: Any) -> None:
        context.trace_request_ctx.reused = True

    config = aiohttp.TraceConfig()
    config.on_connection_reuseconn.append(reused)
    return config
