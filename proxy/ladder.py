"""Asking again: how often, how long, and in which words; and what the client gets when nothing helped."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from adapters.advice import quoted, shorten
from proxy.answer import Answer
from proxy.settings import Budget
from rules.conversation import Turn

TEMPERATURES = (0.6, 0.9, 1.0)
"""Sampling of the first, second and later questions: at temperature 0 the same answer comes back."""

MARGIN = 0.8
"""The part of a client's read timeout that we use up at most; the answer still has to reach it."""


class Gate:
    """Bounds how many questions are asked at once, and stops asking for a while when the server fails.

    Asking again is load that a struggling server does not need: at most `max(3, 20 % of what is active)` at a time, and after
    five failures in a row none for ten seconds.
    """

    FAILURES, PAUSE = 5, 10.0

    def __init__(self) -> None:
        self.active = 0
        self._asking = 0
        self._failures = 0
        self._closed_until = 0.0

    def open(self) -> bool:
        """Tell whether another question may be asked now."""
        return self._asking < max(3, self.active // 5) and time.monotonic() >= self._closed_until

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Count a question while it runs; one that raises counts as the server's failure."""
        self._asking += 1
        try:
            yield
        except Exception:  # counted, not handled: whoever asked deals with it
            self._failures += 1
            if self._failures >= self.FAILURES:
                self._closed_until, self._failures = time.monotonic() + self.PAUSE, 0
            raise
        else:
            self._failures = 0
        finally:
            self._asking -= 1


@dataclass(frozen=True, slots=True)
class Allowance:
    """One turn's budget: questions, tokens, and the moment (monotonic seconds) by which all must be done."""

    asks: int
    tokens: int
    until: float

    def spent(self, answer: Answer) -> Allowance:
        """Return what is left after another answer."""
        return replace(self, asks=self.asks - 1, tokens=self.tokens - answer.usage.completion)

    @property
    def seconds(self) -> float:
        """Seconds left."""
        return self.until - time.monotonic()

    @property
    def left(self) -> bool:
        """Whether another question is within the budget."""
        return self.asks > 0 and self.tokens > 0 and self.seconds > 0


def allowance(budget: Budget, headers: Mapping[str, str], started: float) -> Allowance:
    """Return the budget for one turn. The client's own read timeout, which the OpenAI SDKs tell, is the outer bound."""
    seconds = budget.seconds
    try:
        client = float(headers.get("x-stainless-read-timeout", ""))
    except ValueError:
        client = 0.0
    if client > 0:
        seconds = min(seconds, client * MARGIN - (time.monotonic() - started))
    return Allowance(budget.asks, budget.tokens, time.monotonic() + seconds)


def sampling(number: int, allowed: Allowance, limit: int | None) -> dict[str, Any]:
    """Return the changed sampling of the n-th question (from 1), bounded by what is left of the token budget."""
    temperature = TEMPERATURES[min(number, len(TEMPERATURES)) - 1]
    tokens = allowed.tokens if limit is None else min(limit, allowed.tokens)
    return {"temperature": temperature, "top_p": 0.95, "seed": number, "max_tokens": max(tokens, 1)}


SURVIVED: Mapping[str, frozenset[str]] = {
    "openai_chat": frozenset({"missing-arguments", "unknown-tool"}),
    "openhands_text": frozenset({"missing-arguments", "unknown-tool", "wrong-arguments"}),
}
"""Which broken calls each client answers with an error of its own; on all others it aborts, or does something silently wrong."""


def fail_open(answer: Answer, client: str) -> Turn:
    """Return the best that is left, in a form that the client survives.

    A call that it would only complain about goes out as it is, since that is what it would have got without us. Any other is
    shown as text. A truncated call is never a call, and an empty answer says what it is.
    """
    turn, problem = answer.turn, answer.problem
    reason = problem.reason if problem else ""
    if turn.calls and reason in SURVIVED.get(client, frozenset()):
        return turn
    text = turn.text.strip()
    if reason == "truncated":
        return replace(turn, calls=(), ending="length")
    if turn.calls:
        return replace(turn, calls=(), text=shorten(quoted(turn)))
    return replace(turn, text=text or "[toolmend: the model gave an empty answer, also when it was asked again]")
