"""Finds where the value of a Qwen XML parameter ends. The format has no escapes: everything hangs on what follows a closer.

A closer counts where structure follows it. In a value of several lines the tags must not stand deeper than the parameter's
own, and the next parameter must be declared and not given yet. Another one belongs to a file, or the model made it up: the
call is doubtful, unless a parameter tag in the value opened on the same line what the closer closes. Closers that are not
certain make a `Chain`: it is taken where nothing stands between it and the end of the text, the end of the turn or the next
call; else it is data. A function that opens at the start of a line inside a value is an example in a file: the next function
closer belongs to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from adapters.models.tags.qwen_xml_tags import Kind, Token

NAME = 100
"""A parameter's name that stands as the text of an element is at most this long."""
_REACH: dict[Kind, int] = {"/parameter": 1, "</name>": 1, "/function": 2, "/wrapper": 3}
_STRUCTURE = ("parameter", "<name>", "function", "wrapper", "end", "/function", "/wrapper")


class Place(NamedTuple):
    """Where a value stands.

    closer     the closer of its own; "text" where it has none (a function's bare body)
    free       the declared parameters that were not given yet
    tools      the declared tools
    indent     how deep the tags of the call stand
    fixed      no parameters but the declared ones can be given
    exact      values stand right between their tags and every element is closed: how deep its closer stands says nothing of a
               value, and a wrapper's tag alone ends none
    """

    closer: Kind
    name: str
    function: str
    free: frozenset[str]
    tools: frozenset[str]
    indent: int
    fixed: bool
    exact: bool


@dataclass(slots=True)
class Closed:
    """The end of a value.

    by_tag    its own closer ended it
    reach     what is closed: 0 nothing but the value, 1 the parameter, 2 the function, 3 the wrapper
    stop      where the last of these closers ends
    again     the token behind, which belongs to what follows
    cut       the text ended inside the value;  doubtful: it may also have ended before
    wide      it was padded or holds a line break
    """

    name: str
    start: int
    end: int
    stop: int
    reach: int = 0
    by_tag: bool = False
    again: Token | None = None
    cut: bool = False
    doubtful: bool = False
    unproven: bool = False
    wide: bool = False


@dataclass(slots=True)
class Chain:
    """Closers that may end the value.

    sure     any structure behind confirms them
    nested   they may belong to an example
    inner    a parameter tag on the same line, inside the value, opened what they close
    wide     they stand behind a line break of the value
    """

    start: int
    stop: int
    first: int
    reach: int
    sure: bool
    nested: bool
    inner: bool
    wide: bool


class Written:
    """What the value holds so far, as far as it matters."""

    def __init__(self) -> None:
        self.wide = False
        self.last = ""
        self.small = ""
        self.opened = 0
        self.many = False
        self._filled = self._turned = False
        self._fresh, self._broken = True, False

    @property
    def broken(self) -> bool:
        """Whether it holds a line break."""
        return self.wide or self._broken

    @property
    def blank(self) -> bool:
        """Whether nothing but blanks was written."""
        return not self.last

    def note(self, text: str) -> None:
        """Note a piece of the value. It is wide where it begins on a line of its own, or has text on a second line."""
        if len(self.small) <= NAME:
            self.small += text[: NAME + 1]
        for at, line in enumerate(text.split("\n")):
            self._turned = self._turned or at > 0
            if line.strip():
                self.many = self.many or (self._filled and self._turned)
                self._filled, self._turned = True, False
        body = text.rstrip()
        self.last = body[-1:] or self.last
        self.opened = 0 if "\n" in text else self.opened
        if not self.wide:
            behind = text if self._broken else text.partition("\n")[2]
            self.wide = (self._fresh and text.startswith("\n")) or bool(behind.strip())
            self._broken = self._broken or "\n" in text
        self._fresh = False


class Value:
    """The machine for one value, which begins at `start`."""

    def __init__(self, start: int, place: Place) -> None:
        self._start, self._place, self._name = start, place, place.name
        self._written = Written()
        self._chain: Chain | None = None
        self._depth = self._inner = 0
        self._behind_wrapper = self._inner_wrapped = False
        self._cdata = self._loose = self._doubtful = False
        self._ended: int | None = None

    @property
    def bare(self) -> bool:
        """Whether it stands right in the function, in place of parameters."""
        return self._place.closer == "text"

    def take(self, token: Token) -> Closed | None:
        """Take the next token: the end of the value once it is certain."""
        if self._cdata:
            self._cdata = token.kind != "/cdata"
            return None
        chain = self._chain
        if chain is None:
            return self._data(token)
        verdict = self._judge(chain, token)
        if verdict == "wait":
            return None
        if verdict == "taken":
            return self._close(chain, None if token.end == chain.stop else token)
        self._chain = None
        if token.kind == "text" and chain.sure and not self._name and chain.first == 1:
            self._name_from_text(chain)
        return self._data(token)

    def finish(self, seen: int) -> Closed:
        """The text is over."""
        if self._chain and self._may_end(self._chain):
            closed = self._close(self._chain, None)
            closed.unproven = True
            return closed
        end = seen if self._ended is None else self._ended
        doubtful = bool(self._depth or self._inner or self._doubtful)
        return Closed(self._name, self._start, end, end, cut=True, doubtful=doubtful)

    # -- data, and what may be the end of it

    def _data(self, token: Token) -> Closed | None:
        if token.kind == "text":
            self._written.note(token.text)
            if not token.text.isspace():
                self._ended, self._behind_wrapper = None, False
            return None
        if token.kind == "parameter" and self._opens_next(token):
            return Closed(self._name, self._start, token.start, token.start, again=token, doubtful=self._doubtful)
        if self._closes(token):
            return self._begin(token)
        if token.kind == "cdata" and self._written.blank:
            self._cdata = True
        if token.kind == "function" and (token.indent is not None or self._behind_wrapper):
            self._depth += 1
            self._inner_wrapped = self._inner_wrapped or self._behind_wrapper
        self._written.note("<")
        self._written.opened += token.kind == "parameter"
        self._ended = (token.start if self._ended is None else self._ended) if token.kind == "end" else None
        self._behind_wrapper = token.kind == "wrapper"
        return None

    def _closes(self, token: Token) -> bool:
        own = token.kind == self._place.closer and token.name in ("", self._name)
        return own or token.kind in ("/function", "/wrapper")

    def _flush(self, token: Token) -> bool:
        """Whether a tag stands no deeper than the tags of the call, or behind something on its line."""
        return not self._written.wide or token.indent is None or token.indent <= self._place.indent

    def _opens_next(self, token: Token) -> bool:
        """Whether a parameter opens although the one before was not closed."""
        if self._depth or not self._flush(token) or (self._written.wide and token.indent is None):
            return False
        return token.name in self._place.free or (self._loose and not token.name)

    def _name_from_text(self, chain: Chain) -> None:
        """The element held the name, and the value stands behind it: `<parameter>NAME</parameter>VALUE`."""
        name = self._written.small.strip()
        if not name or len(name) > NAME or any(each.isspace() for each in name):
            return
        self._name, self._start, self._loose = name, chain.stop, True
        self._written = Written()
        self._written.note("\n")

    # -- chains of closers

    def _begin(self, token: Token) -> Closed | None:
        reach = _REACH[token.kind]
        nested = self._depth > 0
        if reach == 1:
            sure = self._place.exact or self._flush(token)
        else:
            json = self.bare and self._written.last in ("}", "]")
            line = token.indent is not None and self._flush(token) and not (reach == 3 and self._place.exact)
            sure = json or (line and (self._loose or not self._written.wide))
        inner = token.kind == "/parameter" and self._written.opened > 0
        self._written.opened -= inner
        self._chain = Chain(token.start, token.end, reach, reach, sure and not nested, nested, inner, self._written.broken)
        self._leave_example(token)
        return self._close(self._chain, None) if self._decided(self._chain) else None

    def _leave_example(self, token: Token) -> None:
        if token.kind == "/function" and self._depth:
            self._depth -= 1
            self._inner += 1

    def _decided(self, chain: Chain) -> bool:
        """Whether the closers alone are enough, whatever follows."""
        short = chain.reach == 3 and not (self._written.wide or self._place.exact)
        return not chain.nested and (short or (chain.sure and chain.first > 1))

    def _judge(self, chain: Chain, token: Token) -> Literal["wait", "taken", "data"]:
        if token.kind == "text":
            if token.text.isspace():
                self._written.note(token.text)
                return "wait"
            return "data"
        if chain.sure and chain.first == 1 and chain.reach == 1 and self._is_structure(chain, token):
            return "taken"
        if _REACH.get(token.kind, 0) > chain.reach:
            chain.reach, chain.stop = _REACH[token.kind], token.end
            self._leave_example(token)
            return "taken" if self._decided(chain) else "wait"
        return "taken" if self._confirms(chain, token) else "data"

    def _is_structure(self, chain: Chain, token: Token) -> bool:
        own = token.kind == "</name>" and token.name == self._place.function
        wrapper = token.kind in ("wrapper", "/wrapper")
        if not (own or token.kind in _STRUCTURE) or not self._flush(token) or (wrapper and self._place.exact):
            return False
        if token.kind not in ("parameter", "<name>") or not (self._written.many and self._place.fixed):
            return True
        declared = token.name in self._place.free
        self._doubtful = self._doubtful or declared == chain.inner
        return declared

    def _confirms(self, chain: Chain, token: Token) -> bool:
        """Whether what stands behind an uncertain chain shows that the call was over."""
        if token.kind == "end":
            return self._may_end(chain)
        if chain.nested:
            return False
        if token.kind == "function":
            return chain.reach == 2 and token.name in self._place.tools
        if token.kind == "wrapper":
            return not self._place.exact or (chain.first < 3 and chain.reach == 3)
        return token.kind == "parameter" and chain.reach == 1 and self._opens_next(token)

    def _may_end(self, chain: Chain) -> bool:
        """At the end an example's closers may as well be the call's own, unless there were more examples."""
        return not chain.nested or (self._inner <= 1 and not self._inner_wrapped)

    def _close(self, chain: Chain, again: Token | None) -> Closed:
        closed = Closed(self._name, self._start, chain.start, chain.stop, chain.reach, chain.first == 1, again)
        closed.doubtful, closed.wide = self._doubtful, chain.wide
        return closed
