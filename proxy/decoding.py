"""Decodes one answer as it is read, and watches whether it comes to an end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from adapters.base import Call, Decoder, Event, Thinking
from adapters.decoding import decoder_for
from adapters.guards.repeat import Repeat, counted
from adapters.guards.watch import Watch
from adapters.turns import TurnBuilder
from proxy.plan import Plan
from proxy.reading import LOST, Piece, Reader

SLICE = 256
"""Characters of an answer that are looked at together where its tokens are not known."""


@dataclass(slots=True)
class Decoding:
    """Feeds a decoder that is chosen once the first text shows where the raw text comes from.

    served the calls that the server made out
    shown  the calls are those that the raw text shows; else they are the server's
    bare   the text is the arguments of a call that was demanded, and nothing that is said
    """

    plan: Plan
    builder: TurnBuilder
    decoder: Decoder | None = None
    opened: str = "no"
    size: int = 0
    seen: int = 0
    watch: Watch = field(default_factory=Watch)
    repeat: Repeat | None = None
    served: list[Call] = field(default_factory=list)
    shown: bool = True
    bare: bool = False

    def feed(self, reader: Reader, piece: Piece) -> tuple[str, str]:
        """Take a piece and return the text and the thought that it makes certain: nothing once the answer only repeats itself."""
        if len(piece.tokens) == 1 and not piece.thought and not piece.arguments and self.repeat is None:
            return self._token(self.decoder or self._decoder(reader), piece.raw)
        self.size += len(piece.raw) + len(piece.thought)
        events: list[Event] = []
        if piece.thought or piece.arguments:
            self.repeat = self.repeat or self.watch.take(piece.thought) or self.watch.take(piece.arguments, inside=True)
            events = [Thinking("", piece.thought)] if piece.thought else []
        texts = piece.tokens or tuple(piece.raw[at : at + SLICE] for at in range(0, len(piece.raw), SLICE))
        events += self._watched(self._decoder(reader), texts, token=bool(piece.tokens)) if texts else []
        text, thought = self.builder.take(events)
        return (text, thought) if self.repeat is None else ("", "")

    def _token(self, decoder: Decoder, text: str) -> tuple[str, str]:
        """Take one token and nothing else, as most pieces are: what follows below for it."""
        self.size += len(text)
        self.seen += len(text)
        inside = decoder.inside
        events = decoder.feed(text)
        self.repeat = self.watch.take(text, token=True, inside=inside or decoder.inside)
        shown = self.builder.take(events)
        return shown if self.repeat is None else ("", "")

    def _watched(self, decoder: Decoder, texts: Iterable[str], *, token: bool) -> list[Event]:
        """Decode one text after the other, as far as the answer is worth it."""
        events: list[Event] = []
        for text in texts:
            inside = decoder.inside  # what ends a call is still looked at as part of it
            events += decoder.feed(text)
            self.seen += len(text)
            self.repeat = self.repeat or self.watch.take(text, token=token, inside=inside or decoder.inside)
            if self.repeat:
                break
        return events

    def finish(self, reader: Reader) -> tuple[str, str]:
        """End the text, and add what only the server knows: the calls it parsed where its raw text does not show them."""
        piece = reader.finish()
        decoder = self._decoder(reader)
        events = decoder.feed(piece.raw)
        self.builder.open = decoder.inside
        events += decoder.finish()
        text = self.builder.take(events)
        served = self.served = reader.calls()
        if served and self._hides(reader, len(served)):
            self.builder.calls, self.shown = served, False
        elif served and not self.builder.calls:
            self.bare = self._is_arguments(reader.raw)
            unseen = served if self.bare else [call for call in served if call.call.name not in reader.raw]
            self.builder.take(unseen)
            self.shown = not unseen
        return text

    def _hides(self, reader: Reader, served: int) -> bool:
        """Say whether the server's calls have to do: there is no raw text, or it lost characters, and the calls with them."""
        calls = self.builder.calls
        whole = len(calls) >= served and not any(LOST in each.raw for each in calls)
        return reader.source == "content" or (reader.damaged and not whole)

    def _is_arguments(self, raw: str) -> bool:
        """Say whether a text is nothing but arguments: so some servers let a model answer where one function is demanded."""
        return self.plan.conversation.policy.choice == "required" and raw.lstrip().startswith("{")

    def told(self, reader: Reader) -> str:
        """Return the raw text as it is told back to the model."""
        return counted(reader.raw[: self.seen], self.repeat) if self.repeat else reader.raw

    def _decoder(self, reader: Reader) -> Decoder:
        if self.decoder is None:
            opened = self.plan.opened(raw=reader.source == "logprobs", split=reader.split and reader.source == "content")
            self.decoder, self.opened = decoder_for(self.plan.grammar(), opened), opened
        return self.decoder
