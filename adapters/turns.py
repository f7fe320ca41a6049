"""Builds a finished turn from a decoder's events."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Final

from adapters.base import Call, Event, Markup, Text, Thinking
from adapters.decoding import decode
from adapters.grammar import Grammar
from adapters.prose import Prose
from adapters.string_builder import StringBuilder
from rules.conversation import Conversation, Ending, ToolCall, Turn


class TurnBuilder:
    """Takes events as they come; says what text may go out, and what the turn is in the end.

    calls   the calls so far, with their texts
    behind  something visible was said behind the last of them
    open    the text was over before the end of the last of them was seen
    """

    def __init__(self, *, keep_thinking: bool = False) -> None:
        self._prose = Prose(keep_thinking=keep_thinking)
        self._text, self._thinking = StringBuilder(), StringBuilder()
        self.behind = self.open = False
        self.calls: list[Call] = []

    def take(self, events: Sequence[Event]) -> tuple[str, str]:
        """Take events and return the text and the thought that they make certain."""
        if len(events) == 1 and isinstance(events[0], Text):  # most pieces of most answers
            text = self._prose.feed(events[0])
            self.behind = self.behind or bool(events[0].raw.strip())
            self._text.add(text)
            return text, ""
        text = "".join(self._prose.feed(event) for event in events)
        thought = "".join(event.text for event in events if isinstance(event, Thinking))
        for event in events:
            if isinstance(event, Call):
                self.calls.append(event)
                self.behind = False
            self.behind = self.behind or (isinstance(event, Text) and bool(event.raw.strip()))
        self._text.add(text)
        self._thinking.add(thought)
        return text, thought

    def finish(self, ending: Ending) -> tuple[str, Turn]:
        """Return the last text and the turn.

        Where a limit cut text behind a call, nobody knows whether the call had ended or quotes its own closers: it is not whole.
        Nor is one that the limit cut before its last closer, though its arguments seem to have ended: they may quote one, too.
        """
        last = self._prose.finish()
        self._text.add(last)
        calls = tuple(event.call for event in self.calls)
        if calls and ((self.behind and ending in ("length", "cut")) or (self.open and ending == "length")):
            calls = (*calls[:-1], replace(calls[-1], whole=False))
        return last, Turn("assistant", str(self._text), str(self._thinking).strip(), calls, ending=ending)


_OPENING = re.compile(r"```[\w.+-]*[ \t]*\n")


def unfenced(turn: Turn, using: Grammar) -> Turn:
    """Take calls out of a code fence where the fence is the whole turn and holds nothing but calls.

    A decoder takes what is fenced for quoted, and must: in prose it is. Whether a turn that is nothing but a fence can be a
    quotation depends on the client, so its caller decides whether to ask.
    """
    text = turn.text.strip()
    found = _OPENING.match(text)
    inside = text[found.end() : -3] if found and text.endswith("```") else ""
    if turn.calls or not inside.strip() or "```" in inside:
        return turn
    events = decode(inside.strip(), using)
    calls = tuple(event.call for event in events if isinstance(event, Call))
    if not calls or not all(isinstance(event, (Call, Markup)) or not event.raw.strip() for event in events):
        return turn
    return replace(turn, text="", calls=calls)


ECHOED: Final = "drop_echoed_call"
"""What is written down where a call was somebody else's words."""


def unechoed(turn: Turn, calls: Sequence[Call], within: Conversation) -> Turn:
    """Leave out calls that stand word for word in what users or tools said, where the model goes on talking behind them.

    It shows what it has read: whoever makes a call waits for the result. Its caller knows whether something was said behind
    them. A call that the client's own prompt shows as an example is none of these: there the same words are to be written.
    """
    if len(calls) != len(turn.calls):
        return turn
    said = [each.text for each in within.turns if each.role in ("user", "tool")]
    kept: list[ToolCall] = []
    echo = False
    for event, call in zip(calls, turn.calls, strict=True):
        raw = event.raw.strip()
        echo = any(raw in text for text in said) if raw else echo  # calls of one block share the text of the first
        kept += [] if echo else [call]
    return turn if len(kept) == len(turn.calls) else replace(turn, calls=tuple(kept))


RECOVERED: Final = "recover_call_from_thinking"
"""What is written down where a call was taken out of a thought."""


def recovered(turn: Turn, using: Grammar, within: Conversation) -> Turn:
    """Take the call that a thought ends in out of it, where the turn would be empty without.

    Where the thought stands in the model's own text the decoder has seen to that; this is for one that the server has set apart,
    call and all. It is certain only for a whole call of a declared tool that nothing follows, in an answer that the model ended:
    a call that is thought about further, quoted, or one of several different ones was considered, and nobody knows whether it
    was meant.
    """
    if turn.calls or turn.text.strip() or not turn.thinking or turn.ending != "stop":
        return turn
    events = decode(turn.thinking, _spoken(using))
    calls = [event.call for event in events if isinstance(event, Call)]
    behind = takewhile(lambda event: not isinstance(event, Call), reversed(events))
    if any(not isinstance(event, Markup) and event.raw.strip() for event in behind):
        return turn
    certain = bool(calls) and all(each.whole and each == calls[0] for each in calls) and within.tool(calls[0].name)
    return replace(turn, calls=(calls[0],)) if certain else turn


def _spoken(using: Grammar) -> Grammar:
    """Leave out the forms that a thought may hold without a call being made: plain JSON, and fences."""
    forms = {
        opener: kept
        for opener, forms in using.forms.items()
        if not opener.startswith(("`", "~")) and (kept := tuple(form for form in forms if not form.aloud))
    }
    return replace(using, forms=forms)
