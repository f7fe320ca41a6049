"""The splitter of server-sent events: any cut, any line end, whatever servers leave out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sse import EventTooLong, Splitter

STREAM = (
    '\ufeff: comment\r\ndata: {"a": 1}\r\n\r\nid: 7\nevent: x\ndata: first\ndata:second\n\n'
    ": ka\n\nretry: 5\n\ndata\n\ndata:  two blanks\r\rdata: über\n\ndata: [DONE]"
).encode()
EVENTS = [b'{"a": 1}', b"first\nsecond", b"", b" two blanks", "über".encode(), b"[DONE]"]


def split(pieces: list[bytes]) -> list[bytes]:
    splitter = Splitter(10_000)
    return [event for piece in pieces for event in splitter.feed(piece)] + splitter.finish()


def test_events_are_told_apart() -> None:
    assert split([STREAM]) == EVENTS


def test_every_cut_gives_the_same_events() -> None:
    assert split([bytes([byte]) for byte in STREAM]) == EVENTS
    for cut in range(1, len(STREAM)):
        assert split([STREAM[:cut], STREAM[cut:]]) == EVENTS


@given(
    st.lists(st.sampled_from([b"data: x", b"\n", b"\r", b"\r\n", b":", b"data", b" ", b"\xff", b"\n\n"]), max_size=30),
    st.integers(1, 5),
)
def test_no_stream_breaks_it(parts: list[bytes], size: int) -> None:
    stream = b"".join(parts)
    assert split([stream[at : at + size] for at in range(0, len(stream), size)]) == split([stream])


def test_an_event_without_end_is_cut_off() -> None:
    splitter = Splitter(1000)
    for _ in range(10):
        splitter.feed(b"data: " + b"x" * 90)
    with pytest.raises(EventTooLong):
        splitter.feed(b"x" * 100)


def test_many_small_events_are_no_long_one() -> None:
    splitter = Splitter(1000)
    assert sum(len(splitter.feed(b"data: 12345678\n\n" * 100)) for _ in range(10)) == 1000
