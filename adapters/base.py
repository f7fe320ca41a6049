"""The interfaces of this room: events, decoders, dialects and clients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from rules.conversation import Conversation, ToolCall, Tools, Turn


@dataclass(frozen=True, slots=True)
class Text:
    """Visible text, exactly as the model wrote it."""

    raw: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """A piece of thought. `text` is `raw` without the markers that frame it."""

    raw: str
    text: str


@dataclass(frozen=True, slots=True)
class Markup:
    """Something that belongs to the format alone and reaches nobody: a stray closer, an end token, an invented result."""

    raw: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call. Several calls in one block share its text: the first one carries it."""

    raw: str
    call: ToolCall


Event: TypeAlias = Text | Thinking | Markup | Call


class Decoder(Protocol):
    """Turns a model's text into events, however the text is cut.

    The joined `raw` of all events is the text, to the character. A decoder never raises and costs linear time.
    """

    @property
    def inside(self) -> bool:
        """Whether a call is being read."""

    def feed(self, text: str) -> list[Event]:
        """Take the next piece and return what is certain by now."""

    def finish(self) -> list[Event]:
        """Return what was still held back; the text is over."""


class Scan(Protocol):
    """Finds where one block ends, piece by piece.

    Positions count from the first character of the opener. The answer depends on the text alone, not on its cuts.
    """

    def feed(self, piece: str) -> int | Literal["no"] | None:
        """Take the next piece: the end of the block, "no" where this is no block after all, None where it is open."""

    def finish(self) -> int | Literal["no"]:
        """Say where the block ends now that no more text comes."""


Read: TypeAlias = Callable[[str, Tools], "tuple[ToolCall, ...] | None"]
"""Reads a whole block (opener and closer included) into calls; None: not one of mine.

A call whose arguments cannot be read has them as text. A call that the end of the text closed has `whole=False`.
"""


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write a call: how it opens, how to find its end, how to read it.

    opener      a fixed marker. Forms may share one (`<tool_call>`): their scans then run side by side, and the first form
                whose scan does not say "no" reads the block
    scan        makes a Scan for one block
    line_start  the opener counts only where a line begins
    first       the opener counts only where nothing was said before it
    aloud       the opener counts only where it is said: in a thought such a text is a plan, behind a quotation mark or in a
                comment or table it is shown
    thought     finds what the model thought in a block that carries its thought as well
    """

    opener: str
    scan: Callable[[Tools], Scan]
    read: Read
    line_start: bool = False
    first: bool = False
    aloud: bool = False
    thought: Callable[[str], str] | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a family of models writes calls and thoughts, and how to write to it.

    forms     how calls are written, own form first
    render    writes the calls of one turn, as they stand in the model's answer; raises Unwritable
    describe  tells the model its tools and how to call them, behind the system prompt
    result    shows the result of a tool (its name, its text) in a user's message
    thinking  pairs of markers around a thought, an opener with several closers in several pairs; a closer that opens a form as
              well ends the thought and begins the call; words count only where a line begins. `label` is dropped after the
              first opener where a newline follows it
    closers   stray markers of the format that are dropped when they stand alone in text; a closer of a thought belongs here if it
              ends visible messages as well, so that alone it is no sign of a thought
    wraps     tags around visible text, dropped as `closers` are. They are words that any answer may hold (`<answer>`), so where
              the wraps of several families are looked for, nobody knows whose they are, and they are text
    ends      markers that end the turn: what follows is not the model's to say
    results   markers that open a tool's result: after a call, what follows is invented
    asked     it is read only where the client's prompt or the profile asks the model for it: in other answers the same text is
              prose, or an example
    """

    name: str
    forms: Callable[[Tools], Sequence[Form]]
    render: Callable[[Sequence[ToolCall]], str]
    describe: Callable[[Tools], str]
    result: Callable[[str, str], str]
    thinking: tuple[tuple[str, str], ...] = ()
    label: str = ""
    closers: tuple[str, ...] = ()
    wraps: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    asked: bool = False


class Unwritable(ValueError):
    """Raised where a format cannot carry a value: the caller reroutes or refuses, nothing is cut."""


Body: TypeAlias = Mapping[str, Any]
"""A chat request's JSON body, as parsed."""

Message: TypeAlias = dict[str, Any]
"""One message of OpenAI's chat API."""


@dataclass(frozen=True, slots=True)
class Client:
    """How a framework writes its requests and reads its replies.

    recognises  whether a body is this client's, by what it shows
    read        body -> Conversation, with what this client can take as its policy; the profile adds the operator's part
    express     a finished turn, within its conversation -> the turn as this client takes it: calls as text in its own grammar, or
                structured; raises Unwritable for a call that it cannot be given
    rewrites    the messages are written anew for the model; otherwise the client's own go upstream byte for byte
    drops       members of the body that are for this client's own parser and must not reach the model
    reads       dialects that the client's own prompt asks of the model, looked for before those of the profile
    instructs   what the model must be told because the client's prompt does not: it goes behind the system prompt
    takes       finds the action in a turn that is nothing but one, where the client's form has no marker to find it by
    unreadable  reason code for a request whose prompt describes tools that cannot be read; empty: its prompt describes none
    """

    name: str
    recognises: Callable[[Body], bool]
    read: Callable[[Body], Conversation]
    express: Callable[[Turn, Conversation], Turn]
    rewrites: bool = False
    drops: frozenset[str] = frozenset()
    reads: tuple[str, ...] = ()
    instructs: Callable[[Conversation], str] | None = None
    takes: Callable[[Turn, Conversation], Turn] | None = None
    unreadable: str = ""
