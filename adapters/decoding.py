"""Chooses the decoder for an answer: as it streams, or, where nobody knows whether the prompt left a thought open, at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from adapters.base import Call, Decoder, Event, Thinking
from adapters.blocks import BlockDecoder
from adapters.blocks import Opened as Known
from adapters.events import merge
from adapters.grammar import Grammar

Opened: TypeAlias = Known | Literal["maybe"]
"""Whether the prompt left a thought open; maybe: the whole answer will show."""


def decoder_for(using: Grammar, opened: Opened = "no") -> Decoder:
    """Return a decoder."""
    return WholeDecoder(using) if opened == "maybe" else BlockDecoder(using, opened)


def decode(text: str, using: Grammar, opened: Opened = "no") -> list[Event]:
    """Decode a whole text at once."""
    decoder = decoder_for(using, opened)
    return merge([*decoder.feed(text), *decoder.finish()])


class WholeDecoder:
    """Holds an answer to its end, to see whether a closer stands where only a thought that the prompt opened explains it."""

    def __init__(self, using: Grammar) -> None:
        self._using = using
        self._pieces: list[str] = []
        self._decoder = BlockDecoder(using)
        self._events: list[Event] = []

    @property
    def inside(self) -> bool:
        """Whether a call is being read, as far as that is known."""
        return self._decoder.inside

    def feed(self, text: str) -> list[Event]:
        """Take the next piece; nothing is certain yet."""
        self._pieces.append(text)
        self._events += self._decoder.feed(text)
        return []

    def finish(self) -> list[Event]:
        """Return the answer's events."""
        text, self._pieces = "".join(self._pieces), []
        events, self._events = [*self._events, *self._decoder.finish()], []
        place, closer = first_closer(events, self._decoder.stray, self._using)
        if not closer:
            return merge(events)
        thought = text[:place]
        return merge([Thinking(thought, thought), Thinking(closer, ""), *decode(text[place + len(closer) :], self._using)])


def first_closer(events: Sequence[Event], stray: Sequence[tuple[int, str]], using: Grammar) -> tuple[int, str]:
    """Find the end of a thought that the prompt had opened: the first closer that nothing else explains, and where it stands.

    A closer in a fence or a code span is quoted, one behind its own opener ends a thought of the answer itself, and one inside
    an argument of a whole call is data.
    """
    closers = using.closers - using.forms.keys()  # one that begins a call is where the call is read
    places, at = list(stray), 0
    for event in events:
        if isinstance(event, Call):
            places += [(at + event.raw.find(each), each) for each in closers if each in event.raw and not _data(event, each)]
        at += len(event.raw)
    return min(places, default=(0, ""))


def _data(event: Call, closer: str) -> bool:
    """Tell whether a marker inside a call is part of an argument."""
    arguments = event.call.arguments
    return event.call.whole and not isinstance(arguments, str) and closer in str(arguments)
