"""How many requests and tokens an examination may take, and what it has taken."""

from __future__ import annotations

from dataclasses import dataclass, field


class Spent(Exception):
    """Raised where another request would be more than was allowed."""


@dataclass(slots=True)
class Purse:
    """`requests` and `tokens` are what is allowed; tokens are told by the server, so the last answer may go beyond."""

    requests: int
    tokens: int
    asked: int = field(default=0, init=False)
    used: int = field(default=0, init=False)

    def take(self) -> None:
        """Take a request out. Raises Spent."""
        if self.asked >= self.requests:
            raise Spent(f"{self.requests} requests were made, as many as were allowed (--requests)")
        if self.used >= self.tokens:
            raise Spent(f"{self.used} tokens were used, {self.tokens} were allowed (--tokens)")
        self.asked += 1

    def paid(self, tokens: int) -> None:
        """Count the tokens of an answer."""
        self.used += tokens
