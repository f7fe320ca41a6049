"""What can be done with events once they are there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from adapters.base import Call, Event, Markup, Text, Thinking


def merge(events: Sequence[Event]) -> list[Event]:
    """Join neighbours of one kind, so that a piece gives few events."""
    joined: list[Event] = []
    for kind, group in groupby(events, type):
        if kind is Call:
            joined += group
            continue
        run = list(group)
        raw = "".join(event.raw for event in run)
        if kind is Thinking:
            joined.append(Thinking(raw, "".join(event.text for event in run if isinstance(event, Thinking))))
        else:
            joined.append(Text(raw) if kind is Text else Markup(raw))
    return joined
