"""Chooses the decoder for an answer: as it streams, or, where nobody knows whether the prompt left a thought open, at its end."""

from __future__ import annotations

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

    def feed(self, text: str) -> list[Event]:
        """Take the next piece; nothing is certain yet."""
        self._pieces.append(text)
        return []

    def finish(self) -> list[Event]:
        """Return the answer's events."""
        text, self._pieces = "".join(self._pieces), []
        thought, closer = before_closer(text, self._using)
        opening: list[Event] = [Thinking(thought, thought), Thinking(closer, "")] if closer else []
        return merge([*opening, *decode(text[len(thought) + len(closer) :], self._using)])


def before_closer(text: str, using: Grammar) -> tuple[str, str]:
    """Split off a thought that the prompt had opened: what stands before the first closer that nothing else explains.

    A closer in a fence or a code span is quoted, one behind its own opener ends a thought of the answer itself, and one inside
    an argument of a whole call is data.
    """
    decoder = BlockDecoder(using)
    closers = using.closers - using.forms.keys()  # one that begins a call is where the call is read
    events = [*decoder.feed(text), *decoder.finish()]
    places, at = list(decoder.stray), 0
    for event in events:
        if isinstance(event, Call):
            places += [(at + event.raw.find(each), each) for each in closers if each in event.raw and not _data(event, each)]
        at += len(event.raw)
    place, closer = min(places, default=(0, ""))
    return text[:place], closer


def _data(event: Call, closer: str) -> bool:
    """Tell whether a marker inside a call is part of an argument."""
    arguments = event.call.arguments
    return event.call.whole and not isinstance(arguments, str) and closer in str(arguments)
