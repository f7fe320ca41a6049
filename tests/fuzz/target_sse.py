"""The splitter of server-sent events: every cut gives the same events, and what it holds is bounded."""

from __future__ import annotations

import re

from proxy.sse import EventTooLong, Splitter

SEEDS = (
    b"\x00\x03data: a\n\ndata: b\r\n\r\n",
    b'\x10\x01\xef\xbb\xbf: comment\r\ndata: {"a": 1}\r\n\r\nid: 7\nevent: x\ndata: first\ndata:second\n\nretry: 5\n\ndata\n\n',
    b"\x03\x02data:  two\r\rdata: [DONE]",
)
WORDS = (b"data", b"data: ", b"data:", b"\r\n", b"\r", b"\n\n", b": ka\n\n", b"event: x\n", b"id", b"\xef\xbb\xbf", b"[DONE]")


def run(data: bytes) -> None:
    """The first byte says how the stream is cut, the second how long an event may be."""
    size, limit, stream = (data[:1] or b"\0")[0] + 1, 16 * ((data[1:2] or b"\0")[0] + 1), data[2:]
    events = by_lines(stream)
    assert cut(stream, len(stream) + 1) == events
    assert cut(stream, size) == events
    assert cut(stream, 1) == events
    bounded(stream, size, limit)


def by_lines(stream: bytes) -> list[bytes]:
    """Read a whole stream as the standard tells it, line by line."""
    events: list[bytes] = []
    held: list[bytes] = []
    for line in [*re.split(b"\r\n|\r|\n", stream.removeprefix(b"\xef\xbb\xbf")), b""]:
        name, _, value = line.partition(b":")
        if name == b"data":
            held.append(value.removeprefix(b" "))
        elif not line and held:
            events.append(b"\n".join(held))
            held = []
    return events


def pieces(stream: bytes, size: int) -> list[bytes]:
    """Cut a stream into pieces of a size."""
    return [stream[at : at + size] for at in range(0, len(stream), size)]


def cut(stream: bytes, size: int) -> list[bytes]:
    """Split a stream that comes in pieces of a size."""
    splitter = Splitter(1 << 30)
    return [event for piece in pieces(stream, size) for event in splitter.feed(piece)] + splitter.finish()


def bounded(stream: bytes, size: int, limit: int) -> None:
    """What is held between two pieces is never more than the limit and a piece."""
    splitter = Splitter(limit)
    try:
        for piece in pieces(stream, size):
            splitter.feed(piece)
            assert sum(map(len, (*splitter._line, *splitter._data))) <= limit + size
    except EventTooLong:
        return
