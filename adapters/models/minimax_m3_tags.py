"""Cuts a block of MiniMax M3's into tags and text. Its tags carry a mark that nothing else has, so each of them is one.

What is open is known from the tags alone: a parameter whose closer is missing, or has lost its mark, is closed where the tag
behind it begins. Tags inside a parameter are part of its value: lists and objects are written so, and a whole call in there is an
example in a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from adapters.lexer import Lexer
from adapters.lexer import Token as Piece
from adapters.models.tags.qwen_xml_tags import LONGEST, Kind, Token

MARK = "]<]minimax[>["
WRAPPER, WRAPPER_END = f"{MARK}<tool_call>", f"{MARK}</tool_call>"
END = "[e~["
LOST = ("<tool_call>", "<invoke name=")
"""Tags that also count without their mark, before any call was named."""

_STOP = re.compile(r"[>\n]")
_BEGUN = (f"{MARK}<", *LOST)
_FRAME: dict[str, tuple[Kind, Kind]] = {"tool_call": ("wrapper", "/wrapper"), "invoke": ("function", "/function")}
_TAG = re.compile(r"""(?P<closes>/?)(?:invoke(?:\s+name\s*=\s*["']?(?P<call>[\w.:/-]+)["']?\s*)?|(?P<name>[\w.:-]+))\Z""")


class MarkedTags:
    """Yields tokens as `Tags` does. `doubtful`: a parameter was not closed, and tags stand in it, or its closer came later."""

    def __init__(self) -> None:
        self._lexer = Lexer((*_BEGUN, END))
        self._tag: list[Piece] = []
        self._open: list[str] = []
        self._example: list[str] = []
        self._implied: set[str] = set()
        self.doubtful = False
        self._filled = self._named = self._holds_tags = False

    def feed(self, piece: str, *, final: bool = False) -> Iterator[Token]:
        """Yield what is certain by now; with `final`, all that is left."""
        for each in self._lexer.feed(piece, final=final):
            yield from self._take(each)
        if final:
            yield from self._no_tag()
            self.doubtful = self.doubtful or bool(self._example)

    def _take(self, piece: Piece) -> Iterator[Token]:
        if piece.marker in LOST and self._named:
            piece = Piece("", piece.text, piece.start)
        if self._tag and not piece.marker:
            yield from self._in_tag(piece)
            return
        yield from self._no_tag()
        if piece.marker == LOST[0]:
            yield Token("wrapper", piece.start, piece.end)
        elif piece.marker == END:
            yield from self._close(piece.start)
            yield Token("end", piece.start, piece.end)
        elif piece.marker:
            self._tag = [piece]
        else:
            yield self._text(piece)

    def _text(self, piece: Piece) -> Token:
        self._filled = self._filled or not piece.text.isspace()
        return Token("text", piece.start, piece.end, piece.text)

    def _no_tag(self) -> Iterator[Token]:
        """What began like a tag is none."""
        pieces, self._tag = self._tag, []
        yield from map(self._text, pieces)

    def _in_tag(self, piece: Piece) -> Iterator[Token]:
        stop = _STOP.search(piece.text)
        cut = stop.end() if stop else len(piece.text)
        self._tag.append(Piece("", piece.text[:cut], piece.start))
        written = "".join(each.text for each in self._tag).removeprefix(MARK)
        if not stop and len(written) < LONGEST:
            return
        found = _TAG.match(written[1:-1]) if written.endswith(">") else None
        if found:
            start, self._tag = self._tag[0].start, []
            yield from self._meaning(found, start, piece.start + cut)
        else:
            yield from self._no_tag()
        if cut < len(piece.text):
            yield self._text(Piece("", piece.text[cut:], piece.start + cut))

    def _meaning(self, found: re.Match[str], start: int, end: int) -> Iterator[Token]:
        """Say what a tag means where it stands."""
        name, closes = found["name"] or "invoke", bool(found["closes"])
        if self._in_example(name, closes=closes):
            yield Token("text", start, end, MARK)
        elif name in _FRAME:
            self._holds_tags = self._holds_tags or (name == "tool_call" and closes)
            yield from self._close(start)
            self._named = self._named or bool(found["call"])
            kind = _FRAME[name][closes]
            yield Token(kind, start, end, name=found["call"] or "")
        elif closes:
            yield from self._closer(name, start, end)
        else:
            yield from self._opener(name, start, end)

    def _in_example(self, name: str, *, closes: bool) -> bool:
        """Whether a tag belongs to a call that stands in a parameter."""
        inside = bool(self._example)
        if name not in _FRAME:
            return inside
        if self._open and not closes:
            self._example.append(name)
            self._holds_tags = True
            return True
        if inside and name in self._example:
            del self._example[self._example.index(name) :]
            return True
        return False

    def _opener(self, name: str, start: int, end: int) -> Iterator[Token]:
        if self._filled and len(self._open) == 1:  # text and then an element: the parameter before was not closed
            yield from self._close(start)
        self._filled = False
        self._open.append(name)
        self._holds_tags = len(self._open) > 1
        yield Token("text", start, end, MARK) if self._holds_tags else Token("parameter", start, end, name=name)

    def _closer(self, name: str, start: int, end: int) -> Iterator[Token]:
        self._filled = False
        if name not in self._open:
            self.doubtful = self.doubtful or name in self._implied
            yield Token("/parameter", start, end, name=name)
            return
        depth = len(self._open) - 1 - self._open[::-1].index(name)
        del self._open[depth:]
        self._holds_tags = self._holds_tags and depth > 0
        yield Token("text", start, end, MARK) if depth else Token("/parameter", start, end, name=name)

    def _close(self, at: int) -> Iterator[Token]:
        """Close what is still open, where the next tag begins."""
        if self._open:
            self._implied.add(self._open[0])
            yield Token("/parameter", at, at, name=self._open[0])
            self.doubtful = self.doubtful or self._holds_tags
        self._open, self._example = [], []
        self._filled = self._holds_tags = False
