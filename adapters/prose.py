"""The visible text of a turn, as it comes: pieces around calls and thoughts are joined by one newline."""

from __future__ import annotations

from adapters.base import Event, Markup, Text, Thinking


class Prose:
    """Turns events into the text that may go out at once. The blanks that frame a call or a thought belong to the format.

    A turn of plain text alone comes through to the character. With `keep_thinking` a thought, markers and all, is text.
    """

    def __init__(self, *, keep_thinking: bool = False) -> None:
        self._keep = keep_thinking
        self._blank = ""
        self._started = False
        self._broken = False
        self._tail = ""

    def feed(self, event: Event) -> str:
        """Return the text that is certain to be visible now."""
        if not (isinstance(event, Text) or (self._keep and isinstance(event, Thinking))):
            self._tail = self._blank or self._tail if isinstance(event, Markup) else ""
            self._blank, self._broken = "", True
            return ""
        if not self._broken and not self._blank and event.raw and not event.raw[-1].isspace():
            self._started = True
            return event.raw
        text = self._blank + event.raw
        if self._broken:
            text = text.lstrip()
            if not text:
                return ""
            text = f"\n{text}" if self._started else text
            self._broken, self._tail = False, ""
        body = text.rstrip()
        if not body:
            self._blank = text
            return ""
        self._blank, self._started = text[len(body) :], True
        return body

    def finish(self) -> str:
        """Return the blanks at the end of a turn that is all text, an end marker aside; others were framing."""
        blank, self._blank = self._tail if self._broken else self._blank, ""
        return blank if self._started else ""
