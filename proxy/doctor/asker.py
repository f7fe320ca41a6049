"""Asks servers within what is allowed, and leaves one alone that gives no answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from proxy.doctor.checks import Post
from proxy.doctor.purse import Purse, Spent
from proxy.doctor.trials import Ask
from proxy.doctor.wire import Answer, Server, Trouble

GONE: Final = 3
"""After so many requests in a row that got no answer, no more are made."""

SILENCE: Final = frozenset({"down", "host", "timeout", "broke-off", "tls"})
"""Kinds of trouble that are no answer."""


class Asker:
    """Takes each request out of a purse. One for all servers of an examination."""

    def __init__(self, purse: Purse) -> None:
        self._purse = purse
        self._silent = 0

    def allow(self) -> None:
        """Take a request out of the purse. Raises Spent, also where nobody answers."""
        if self._silent >= GONE:
            raise Spent(f"the server gave no answer {GONE} times in a row")
        self._purse.take()

    def asks(self, server: Server) -> Ask:
        """Return what asks a server for a chat completion."""

        async def ask(body: Mapping[str, Any]) -> Answer:
            self.allow()
            try:
                answer = await server.ask(body)
            except Trouble as trouble:
                self._silent = self._silent + 1 if trouble.kind in SILENCE else 0
                raise
            self._silent = 0
            self._purse.paid(answer.tokens)
            return answer

        return ask

    def posts(self, server: Server) -> Post:
        """Return what sends a server a body, for the JSON that it returns."""

        async def post(path: str, body: Mapping[str, Any]) -> Any:
            self.allow()
            return await server.post(path, body)

        return post
