"""What a decoder gives out, and what it has to remember of it: where a line begins, what was said, whether a call was made."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from adapters.base import Call, Event, Markup, Text, Thinking
from adapters.events import merge
from adapters.quoting import Lines
from rules.conversation import ToolCall


class Output:
    """Collects events.

    lines    how the visible line begins, and whether what stands here is quoted
    called   a call was made
    said     something visible was said since the last event of another kind;  spoken: since the beginning
    emitted  characters that were given out
    """

    def __init__(self) -> None:
        self._events: list[Event] = []
        self.lines = Lines()
        self.called = self.said = self.spoken = False
        self.emitted = 0

    def take(self) -> list[Event]:
        """Return what was given out since the last time, neighbours joined."""
        events, self._events = merge(self._events), []
        return events

    def plain(self, text: str) -> list[Event]:
        """Give out visible text at once, where nothing else waits to be given out."""
        self.say(text)
        self._events.clear()
        return [Text(text)]

    def emit(self, event: Event) -> None:
        """Give out a thought, a call or markup."""
        self._events.append(event)
        self.emitted += len(event.raw)
        self.said = False
        self.lines.fresh()

    def say(self, text: str) -> None:
        """Give out visible text."""
        if text:
            self._events.append(Text(text))
            self.emitted += len(text)
            if not self.said and text.strip():
                self.said = self.spoken = True
            self.lines.take(text)

    def settle(self, hidden: Iterable[tuple[str, Sequence[ToolCall]]], closers: Collection[str], *, made: bool) -> None:
        """Give out what stood in a thought: calls that were made, or the thought, and behind its closer visible text."""
        past = False
        for raw, calls in hidden:
            if made and calls:
                self.call(raw, calls)
            elif made and raw:
                self.emit(Markup(raw))
            elif past:
                self.say(raw)
            elif raw:
                past = raw in closers
                self.emit(Thinking(raw, "" if past else raw))

    def call(self, raw: str, calls: Iterable[ToolCall], thought: str = "") -> None:
        """Give out the calls of a block, behind the thought that it carries; the first of them carries its text."""
        if thought:
            self.emit(Thinking("", thought))
        for call in calls:
            self.emit(Call(raw, call))
            self.called, raw = True, ""
        if raw:
            self.emit(Markup(raw))
