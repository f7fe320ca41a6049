"""Splits a stream of server-sent events into their data, whatever way the bytes are cut.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html, section 9.2.6. Only `data` matters between us and a
model server; comments, `event`, `id` and `retry` are passed over. A last event without its blank line is still an event here,
because servers forget it, and what decides whether an answer is complete is not its last newline.
"""

from __future__ import annotations


class EventTooLong(Exception):
    """Raised where one event grows beyond the limit."""


class Splitter:
    """Takes bytes, gives the data of each event. Linear in what it is fed."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._line: list[bytes] = []
        self._data: list[bytes] = []
        self._size = 0
        self._cr = False
        self._first = True

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the data of the events that are complete by now."""
        if not self._cr and self._between and chunk.startswith(b"data: ") and chunk.endswith(b"\n\n") and b"\r" not in chunk:
            each = chunk[6:-2].split(b"\n\ndata: ")
            if len(chunk) <= self._limit and chunk.count(b"\n") == 2 * len(each):  # events of one line, and nothing else
                self._first = False
                return each
        if self._cr and chunk:
            chunk = chunk if chunk.startswith(b"\n") else b"\n" + chunk
            self._cr = False
        if chunk.endswith(b"\r"):
            chunk, self._cr = chunk[:-1], True
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = chunk.split(b"\n")
        self._line.append(lines[0])
        self._size += len(chunk)
        events: list[bytes] = []
        for line in lines[1:]:
            self._end_line(events)
            self._line.append(line)
        if self._size > self._limit:
            raise EventTooLong(f"an event of more than {self._limit} bytes")
        return events

    def finish(self) -> list[bytes]:
        """Return the event that was still open when the stream ended."""
        events: list[bytes] = []
        if self._cr or any(self._line):
            self._end_line(events)
        self._dispatch(events)
        return events

    @property
    def _between(self) -> bool:
        """Whether no event is open, nor a line."""
        return not self._data and not self._size and not any(self._line)

    def _end_line(self, events: list[bytes]) -> None:
        line = b"".join(self._line)
        self._line.clear()
        if self._first:
            line, self._first = line.removeprefix(b"\xef\xbb\xbf"), False
        if not line:
            self._dispatch(events)
            return
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" "))

    def _dispatch(self, events: list[bytes]) -> None:
        if self._data:
            events.append(b"\n".join(self._data))
        self._data.clear()
        self._size = 0
