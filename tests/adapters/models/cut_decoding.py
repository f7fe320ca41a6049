"""Decodes a text in pieces, and sees that the way it is cut does not matter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from adapters.base import Call, Event, Text
from adapters.decoding import Opened, decoder_for
from adapters.events import merge
from adapters.grammar import Grammar
from rules.conversation import ToolCall


def decode_pieces(pieces: Iterable[str], using: Grammar, opened: Opened = "no") -> list[Event]:
    """Return the events of a text that comes in these pieces, neighbours of one kind joined."""
    decoder = decoder_for(using, opened)
    return merge([*(event for piece in pieces for event in decoder.feed(piece)), *decoder.finish()])


def in_two(text: str, step: int = 1) -> Iterator[Sequence[str]]:
    """Yield the ways to cut a text in two, at every place or at every so many."""
    return ([text[:at], text[at:]] for at in range(1, len(text), step))


def in_even(text: str, *sizes: int) -> Iterator[Sequence[str]]:
    """Yield a text in pieces of each of these sizes."""
    return ([text[at : at + size] for at in range(0, len(text), size)] for size in sizes)


def in_every_way(text: str) -> Iterator[Sequence[str]]:
    """Yield a text in single characters, and cut in two at every place."""
    yield list(text)
    yield from in_two(text)


def decode_alike(text: str, using: Grammar, ways: Iterable[Sequence[str]], opened: Opened = "no") -> list[Event]:
    """Decode a text whole, and see that nothing is lost and that none of these ways to cut it changes what it says."""
    whole = decode_pieces([text], using, opened)
    assert "".join(event.raw for event in whole) == text
    for pieces in ways:
        assert decode_pieces(pieces, using, opened) == whole
    return whole


def calls_among(events: Iterable[Event]) -> list[ToolCall]:
    """Return the calls among events."""
    return [event.call for event in events if isinstance(event, Call)]


def text_among(events: Iterable[Event]) -> str:
    """Return what is visible of events."""
    return "".join(event.raw for event in events if isinstance(event, Text))
