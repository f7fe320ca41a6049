"""The marker machine: splits what a model writes into text, thoughts and calls, by the forms of its dialects.

The machine is in one of five states. In `text` it looks for openers and releases all that cannot begin one. In a `block` it
asks the forms' scans where the block ends, then reads it at once. In a `thought` it looks for the closer; a call there is
kept aside (`hidden`) until what follows shows whether it was made or only thought of. `over` is after the turn's end.
`likely` holds everything until a closer shows that the prompt had opened a thought.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from adapters.base import Event, Form, Markup, Thinking
from adapters.block import Block
from adapters.grammar import Grammar, is_word
from adapters.output import Output
from rules.conversation import ToolCall

SLICE = 1024
"""Characters looked at in one go. Bounds what is copied when a block ends inside a long piece."""

AGAIN = 4
"""How many times its length a text may be looked at again before the rest is taken as it stands (law: linear time)."""

Opened = Literal["no", "yes", "likely"]
"""Whether the prompt left a thought open. likely: it did, but the server may have taken the thought out of the text."""


class BlockDecoder:
    """A decoder for any set of dialects. Satisfies `adapters.base.Decoder`."""

    def __init__(self, grammar: Grammar, opened: Opened = "no") -> None:
        self._grammar = grammar
        states: dict[Opened, Callable[[BlockDecoder, str, bool], str | None]]
        states = {"no": BlockDecoder._text, "yes": BlockDecoder._thought, "likely": BlockDecoder._likely}
        self._step = states[opened]  # not bound to itself: a decoder that is not needed any more is no garbage in a cycle
        self._closers = grammar.closers
        self._todo: deque[str] = deque()
        self._held = ""
        self._before = ""
        self._ticked = self._newline = False
        self._out = Output()
        self._lines = self._out.lines
        self._block: Block | None = None
        self._inside = False
        self._hidden: list[tuple[str, tuple[ToolCall, ...]]] = []
        self._closed = False
        self._aside: list[str] = []
        self.stray: list[tuple[int, str]] = []
        self._alone = ""
        self._seen = 0
        self._again = 0

    @property
    def inside(self) -> bool:
        """Whether a call is being read, as far as that is known."""
        return self._block is not None

    def feed(self, text: str) -> list[Event]:
        """Take the next piece and return what is certain by now."""
        self._seen += len(text)
        may_be_plain = self._step is BlockDecoder._text and not self._held and 0 < len(text) <= SLICE
        if may_be_plain and self._grammar.markers.absent(text):
            self._ticked, self._newline, self._before = text[-1] == "`", text[-1] == "\n", text[-1]
            return self._out.plain(text)  # as `_text` would
        self._todo.extend(text[at : at + SLICE] for at in range(0, len(text), SLICE))
        return self._run(final=False)

    def finish(self) -> list[Event]:
        """Return what was still held back; the text is over."""
        return self._run(final=True)

    def _run(self, *, final: bool) -> list[Event]:
        self._work_off()
        while final and (self._held or self._block or self._hidden or self._aside or self._alone):
            held, self._held = self._held, ""
            rest = self._step(self, held, True)
            if rest:
                self._todo.appendleft(rest)
            self._work_off()
        return self._out.take()

    def _work_off(self) -> None:
        while self._todo:
            rest: str | None = self._held + self._todo.popleft()
            self._held = ""
            while rest:
                rest = self._step(self, rest, False)
                if rest is not None:  # what is looked at again comes before what was held back
                    rest, self._held = rest + self._held, ""

    # -- the states: each takes text, emits what is certain, and returns what the next state is to look at; None: all taken

    def _find(self, text: str, final: bool) -> tuple[str, str, str]:
        """Split text at the first marker; what may begin one is held back."""
        before, marker, after, self._held = self._grammar.markers.split(text, final=final)
        last = before or self._before
        self._ticked, self._newline = last.endswith("`"), last[-1:] in ("", "\n")
        self._before = marker or before[-1:] or self._before
        return before, marker, after

    def _text(self, text: str, final: bool) -> str | None:
        before, marker, after = self._find(text, final)
        self._out.say(before)
        if not marker:
            return None
        if self._lines.quoted and marker not in self._grammar.stops:
            self._lines.quote()
            self._out.say(marker)
            return after
        return self._marker(marker, after)

    def _marker(self, marker: str, after: str) -> str | None:
        grammar = self._grammar
        forms = self._forms(marker, start=self._lines.start, aloud=not self._lines.shown)
        if forms:
            return self._open(forms, marker, after, inside=False)
        if is_word(marker) and not self._lines.start and marker not in grammar.stops:
            self._out.say(marker)
        elif marker in grammar.thoughts and (self._lines.start or marker.startswith("<|")):
            self._out.emit(Thinking(marker, ""))
            self._closers = grammar.thoughts[marker]
            self._step = BlockDecoder._thought
        elif marker in grammar.stops or (marker in grammar.results and self._out.called and self._lines.start):
            self._out.emit(Markup(marker))
            self._step = BlockDecoder._over
        elif marker in grammar.closers and not (self._out.said and self._lines.blank):
            self._close_stray(marker)
        elif marker in grammar.ends or (marker in grammar.stray | grammar.closers and self._out.said):
            self._alone = marker
            self._step = BlockDecoder._standing
        elif marker in grammar.stray:
            self._out.emit(Markup(marker))
        else:
            self._out.say(marker)
        return after

    def _forms(self, marker: str, *, start: bool, aloud: bool) -> tuple[Form, ...]:
        """Return the forms that a marker may open here."""
        forms = (form for form in self._grammar.forms.get(marker, ()) if aloud or not form.aloud)
        return tuple(form for form in forms if (start or not form.line_start) and not (form.first and self._out.spoken))

    def _standing(self, text: str, final: bool) -> str | None:
        """After a marker that should stand alone: with ordinary text behind it on its line it is spoken of, and is text."""
        body = text.lstrip(" \t")
        if not final and (not body or self._grammar.markers.undecided(body)):
            self._held = text
            return None
        marker, self._alone = self._alone, ""
        self._step = BlockDecoder._text
        spoken = body and not body.startswith("\n") and not self._grammar.markers.at_start(body)
        if marker in self._grammar.closers and not (spoken and body != text):
            self._close_stray(marker)
        elif spoken:
            self._out.say(marker)
        else:
            self._out.emit(Markup(marker))
            self._step = BlockDecoder._over if marker in self._grammar.ends else BlockDecoder._text
        return text

    def _close_stray(self, closer: str) -> None:
        """Drop the closer of a thought that nothing here opened, and remember where it stood."""
        self.stray.append((self._out.emitted, closer))
        self._out.emit(Markup(closer))

    def _thought(self, text: str, final: bool) -> str | None:
        before, marker, after = self._find(text, final)
        if before:
            self._out.emit(Thinking(before, before))
        if not marker:
            return None
        forms = self._forms(marker, start=self._newline, aloud=False)
        if self._closes(marker) and marker in self._grammar.forms:  # it ends the thought by beginning the call
            self._step = BlockDecoder._text
            return marker + after
        if self._closes(marker):
            self._out.emit(Thinking(marker, ""))
            self._step = BlockDecoder._text
        elif marker in self._grammar.ends:
            self._out.emit(Markup(marker))
            self._step = BlockDecoder._over
        elif forms and not self._ticked:
            return self._open(forms, marker, after, inside=True)
        else:
            self._out.emit(Thinking(marker, marker))
        return after

    def _closes(self, marker: str) -> bool:
        """Tell whether a marker ends the thought here. A word does, or a form's opener, only where it begins a line."""
        bound = marker in self._grammar.forms or is_word(marker)
        return marker in self._closers and (self._newline or not bound)

    def _open(self, forms: Sequence[Form], marker: str, after: str, *, inside: bool) -> str | None:
        self._block = Block(forms, self._grammar.tools)
        self._inside = inside
        self._step = BlockDecoder._reading
        return marker + after

    def _reading(self, text: str, final: bool) -> str | None:
        assert self._block is not None
        ended, unseen = self._block.take(text, final=final)
        if ended is None:
            return unseen or None
        self._todo.appendleft(unseen)
        whole, self._block = self._block.text, None
        if ended == "no":
            return self._refuse(whole)
        form, end = ended
        calls = form.read(whole[:end], self._grammar.tools)
        if calls is None or (self._inside and self._is_thought(whole[:end], calls)):
            return self._refuse(whole)
        if self._inside:
            self._hidden.append((whole[:end], calls))
            self._step = BlockDecoder._after_hidden
        else:
            self._out.call(whole[:end], calls, form.thought(whole[:end]) if form.thought else "")
            self._step = BlockDecoder._text
        return self._look_again(whole[end:])

    def _is_thought(self, raw: str, calls: Sequence[ToolCall]) -> bool:
        """Tell whether a call in a thought has no end of its own, while the thought has: then it was only thought of."""
        return not all(call.whole for call in calls) and any(closer in raw for closer in self._closers)

    def _refuse(self, whole: str) -> str | None:
        """Take the opener as what it looks like, and look at the rest again."""
        opener = self._grammar.markers.at_start(whole) or whole
        if self._inside:
            self._unhide()
            self._out.emit(Thinking(opener, opener))
            self._step = BlockDecoder._thought
        else:
            self._out.say(opener)
            self._step = BlockDecoder._text
        return self._look_again(whole[len(opener) :])

    def _look_again(self, rest: str) -> str | None:
        self._again += len(rest)
        if self._again > AGAIN * self._seen + 64 * SLICE:
            self._unhide()
            self._out.say(rest)
            return None
        if len(rest) <= SLICE:
            return rest
        self._todo.extendleft(reversed([rest[at : at + SLICE] for at in range(SLICE, len(rest), SLICE)]))
        return rest[:SLICE]

    def _after_hidden(self, text: str, final: bool) -> str | None:
        """After a call inside a thought: if the turn ends here it was made, if the thought or the answer goes on it was not."""
        before, marker, after = self._find(text, final)
        if not text and final:
            self._hidden = [(raw, tuple(replace(call, whole=False) for call in calls)) for raw, calls in self._hidden]
            self._unhide(made=True)
            return None
        forms = self._forms(marker, start=self._newline, aloud=False)
        body = before.lstrip()
        self._hidden.append((before[: len(before) - len(body)], ()))
        if body or (marker in self._grammar.forms and (self._closed or not forms)):
            self._unhide()
            return body + marker + after
        if marker in self._grammar.ends or marker in self._grammar.results:
            self._unhide(made=True)
            return marker + after
        self._hidden.append(("" if forms else marker, ()))
        if forms:
            return self._open(forms, marker, after, inside=True)
        self._closed = self._closed or marker in self._closers
        return after if marker else None

    def _unhide(self, *, made: bool = False) -> None:
        self._out.settle(self._hidden, self._closers, made=made)
        self._step = BlockDecoder._text if self._closed or made else BlockDecoder._thought
        self._hidden, self._closed = [], False

    def _likely(self, text: str, final: bool) -> str | None:
        before, marker, after = self._find(text, final)
        self._aside.append(before)
        if self._closes(marker) and not self._ticked:
            thought, self._aside = "".join(self._aside), []
            self._out.emit(Thinking(thought, thought))
            self._step = BlockDecoder._text
            if marker in self._grammar.forms:
                return marker + after
            self._out.emit(Thinking(marker, ""))
            return after
        self._aside.append(marker)
        opens = marker in self._grammar.thoughts  # it opens its thought itself: the prompt had left none open
        if marker and not opens:
            return after
        if not final and not opens:
            return None
        everything, self._aside = "".join(self._aside) + after, []
        self._step = BlockDecoder._text
        return self._look_again(everything)

    def _over(self, text: str, final: bool) -> str | None:  # noqa: ARG002 - the states share one signature
        if text:
            self._out.emit(Markup(text))
        return None
