"""Tells from its beginning whether bare JSON can be a call of a declared tool, so that other JSON is let go at once.

It can where the first member names a declared tool and arguments come next, or where arguments come first. The rest of the
text is not looked at: whoever reads the whole block decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from adapters.models.declared_tools import declared, properties
from adapters.models.json_calls import ARGUMENTS, BESIDE, NAMES
from rules.conversation import Tools, ToolSpec

LONGEST: Final = 512
"""Characters that a beginning may have: no name is longer, and what stands beside it is short."""

_BLANKS = re.compile(r"\s*+")
_TEXT = re.compile(r"""(?P<quote>["'])(?P<text>(?:(?!(?P=quote))[^\\]|\\.)*+)(?P<end>(?P=quote))?""", re.DOTALL)
_WORD = re.compile(r"[\w.+-]++")
_KEYS: Final = frozenset((*NAMES, *ARGUMENTS, *BESIDE))


class HeadGate:
    """Reads the beginning of JSON. `lone`: a name alone is a call, too."""

    def __init__(self, tools: Tools, *, lone: bool = False) -> None:
        self._tools = tools
        self._lone = lone
        self._text = ""
        self._answer: bool | None = None

    def feed(self, piece: str) -> bool | None:
        """Take the next piece; None: it may still be a call."""
        if self._answer is None:
            self._text += piece[: LONGEST - len(self._text)]
            self._answer = self._judge(_Beginning(self._text))
            if self._answer is None and len(self._text) == LONGEST:
                self._answer = False
        return self._answer

    def _judge(self, text: _Beginning) -> bool | None:
        try:
            text.takes("[")
            return text.takes("{") and self._members(text)
        except _Cut as cut:
            return cut.answer

    def _members(self, text: _Beginning) -> bool:
        """Look at members until one decides."""
        while True:
            key = text.key(_KEYS)
            if key == "function" and text.takes("{"):
                continue
            if key in NAMES:
                tool = declared(text.string(), self._tools)
                return tool is not None and self._behind(tool, text)
            if key in ARGUMENTS:
                return text.begins("{\"'")
            if key not in BESIDE or not (text.scalar() and text.takes(",")):
                return False

    def _behind(self, tool: ToolSpec, text: _Beginning) -> bool:
        """Look at what follows the name of a declared tool."""
        known = properties(tool).union(ARGUMENTS)
        while text.takes(","):
            key = text.key(known | BESIDE)
            if key in known:
                return True
            if key not in BESIDE or not text.scalar():
                return False
        return self._lone and text.takes("}")


class _Cut(Exception):
    """Raised where the text ends before an answer is known; or, with one, where it cannot go on to be a call."""

    def __init__(self, answer: bool | None = None) -> None:
        super().__init__()
        self.answer = answer


class _Beginning:
    """Reads tokens of a text that may be cut anywhere: then it raises."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def begins(self, signs: str) -> bool:
        """Tell whether one of these characters is next."""
        blanks = _BLANKS.match(self._text, self._at)
        assert blanks is not None
        self._at = blanks.end()
        if self._at >= len(self._text):
            raise _Cut
        return self._text[self._at] in signs

    def takes(self, sign: str) -> bool:
        """Move over a sign if it is next."""
        found = self.begins(sign)
        self._at += found
        return found

    def key(self, expected: Iterable[str]) -> str:
        """Take a key and its colon. One that is cut may become what is expected, or not."""
        begun = self.begins("\"'")
        found = _TEXT.match(self._text, self._at) if begun else _WORD.match(self._text, self._at)
        if found is None:
            raise _Cut(answer=False)
        key = found["text"] if begun else found[0]
        if (begun and not found["end"]) or found.end() == len(self._text):
            raise _Cut(answer=None if any(each.startswith(key) for each in expected) else False)
        self._at = found.end()
        if not self.takes(":"):
            raise _Cut(answer=False)
        return key

    def string(self) -> str:
        """Take a string."""
        if not self.begins("\"'"):
            raise _Cut(answer=False)
        found = _TEXT.match(self._text, self._at)
        if found is None or not found["end"]:
            raise _Cut
        self._at = found.end()
        return found["text"]

    def scalar(self) -> bool:
        """Move over a string, a number or a word."""
        if self.begins("\"'"):
            self.string()
            return True
        found = _WORD.match(self._text, self._at)
        if found is not None and found.end() == len(self._text):
            raise _Cut
        self._at = found.end() if found else self._at
        return found is not None
