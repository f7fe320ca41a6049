"""Serves a recorded turn with another request, and tells whether it fails as it did: offline, or by asking the model again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from proxy.errors import Fault
from proxy.replay.axes import Body
from proxy.replay.recorded import NO_MORE
from proxy.replay.run import Entry, NotReplayable, Terms, plan_of, replay

FAILING: Final = ("client", "class", "reason")
"""What must be the same for a turn to fail in the same way."""

MADE_ANEW: Final = (
    *("conversation", "dialect", "outcome", "class", "reason", "repairs", "healed", "engine", "skipped_rules", "final"),
    *("usage", "request"),
)
"""What another request changes in a record; all else stays as it was recorded."""

CAME: Final = ("raw", "http", "error", "usage", "seconds", "came")
"""What of an attempt is the model server's, and stays as it was recorded."""


def with_body(entry: Entry, body: Body) -> Entry:
    """Return a record whose turn was asked with another request."""
    return {**entry, "request": {**entry["request"], "body": body}}


def ends(entry: Entry | None) -> str:
    """Say how a turn ended."""
    if entry is None:
        return "it is right as it comes"
    return f"{entry['outcome']}, {entry['class'] or 'no fault'}, {entry['reason'] or 'no reason'}"


def _dry(entry: Entry) -> bool:
    return any(each["problem"] == NO_MORE for each in entry["attempts"])


class Offline:
    """Answers with what was recorded, whatever the request: the same each time.

    A request with which more would be asked than was asked then is none that fails in the same way, nor is one that we would
    pass on untouched.
    """

    def __init__(self, entry: Entry, terms: Terms) -> None:
        self.ended = ""
        self._entry, self._terms = entry, terms
        self._mends = plan_of(entry, terms).mends

    async def __call__(self, body: Body) -> bool:
        """Tell whether it fails as it did then."""
        return await self._after(body) is not None

    async def record(self, body: Body) -> Entry | None:
        """Return the record of the turn with this request, its answers as they were recorded."""
        after = await self._after(body)
        if after is None:
            return None
        pairs = zip(after["attempts"], self._entry["attempts"], strict=False)
        attempts = [{**now, **{key: then[key] for key in CAME}} for now, then in pairs]
        return {**self._entry, **{key: after[key] for key in MADE_ANEW}, "attempts": attempts}

    async def _after(self, body: Body) -> Entry | None:
        candidate = with_body(self._entry, body)
        try:
            if plan_of(candidate, self._terms).mends != self._mends:
                return None
            after = (await replay(candidate, self._terms)).after
        except (NotReplayable, Fault) as error:
            self.ended = str(error)
            return None
        self.ended = ends(after)
        alike = after is not None and all(after[key] == self._entry[key] for key in FAILING) and not _dry(after)
        return after if alike else None


class Live:
    """Asks the model again. A request fails where more than half of the answers do; of each turn only the first is asked for."""

    def __init__(self, entry: Entry, terms: Terms, repeats: int) -> None:
        self.ended = ""
        self._entry = {**entry, "mode": "repair"}  # one that is only observed is not asked for
        self._terms, self._repeats = terms, repeats
        once = terms.settings.model_copy(update={"budget": terms.settings.budget.model_copy(update={"asks": 0})})
        self._once = replace(terms, settings=once)

    async def __call__(self, body: Body) -> bool:
        """Tell whether it fails as it did then, more often than not."""
        failed = right = 0
        while max(failed, right) <= self._repeats // 2 and failed + right < self._repeats:
            alike = await self._after(body, self._once) is not None
            failed, right = failed + alike, right + (not alike)
        return failed > self._repeats // 2

    async def record(self, body: Body) -> Entry | None:
        """Return the record of a turn that failed, asked again as it would be in service."""
        for _ in range(self._repeats):
            after = await self._after(body, self._terms)
            if after is not None:
                return after
        return None

    async def _after(self, body: Body, terms: Terms) -> Entry | None:
        try:
            after = (await replay(with_body(self._entry, body), terms)).after
        except (NotReplayable, Fault) as error:
            self.ended = str(error)
            return None
        self.ended = ends(after)
        return after if after is not None and all(after[key] == self._entry[key] for key in FAILING) else None


def cost(entry: Entry, repeats: int, most: int) -> str:
    """Say what asking the model again may cost, at most."""
    first: Any = entry["attempts"][0]["usage"] if entry["attempts"] else {"prompt": 0, "completion": 0}
    asked = repeats * (most + 2)
    return (
        f"asks the model at most {asked} times ({most} trials and two more, {repeats} answers each; the last ones with all that"
        f" asking again takes); the whole request takes {first['prompt']} prompt and {first['completion']} completion tokens"
    )
