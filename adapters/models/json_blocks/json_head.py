"""Tells from its beginning whether JSON can be a call, so that other JSON is let go at once.

Bare JSON can where the first member names a declared tool and arguments come next, or where arguments come first. The rest
of the text is not looked at: whoever reads the whole block decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from adapters.models.json_blocks.json_calls import ARGUMENTS, BESIDE, NAMES
from adapters.models.tool_parameters import properties
from rules.conversation import Tools, ToolSpec
from rules.declared_tool import declared_tool

LONGEST: Final = 512
"""Characters that a beginning may have: no name is longer, and what stands beside it is short."""

_BLANKS = re.compile(r"\s*+")
_TEXT = re.compile(r"""(?P<quote>["'])(?P<text>(?>(?:(?!(?P=quote))[^\\]|\\.)*))(?P<end>(?P=quote))?""", re.DOTALL)
_WORD = re.compile(r"[\w.+-]++")
_KEYS: Final = frozenset((*NAMES, *ARGUMENTS, *BESIDE))


class Cut(Exception):
    """Raised where the text ends before an answer is known; or, with one, where no more text can change it."""

    def __init__(self, answer: bool | None = None) -> None:
        super().__init__()
        self.answer = answer


class Beginning:
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
            raise Cut
        return self._text[self._at] in signs

    def takes(self, sign: str) -> bool:
        """Move over a sign if it is next."""
        found = self.begins(sign)
        self._at += found
        return found

    def key(self, expected: Iterable[str]) -> str:
        """Take a key and its colon. One that is cut may become what is expected, or not."""
        quoted = self.begins("\"'")
        found = _TEXT.match(self._text, self._at) if quoted else _WORD.match(self._text, self._at)
        if found is None:
            raise Cut(answer=False)
        key = found["text"] if quoted else found[0]
        if found.end() == len(self._text):
            raise Cut(answer=None if any(each.startswith(key) for each in expected) else False)
        self._at = found.end()
        if not self.takes(":"):
            raise Cut(answer=False)
        return key

    def string(self) -> str:
        """Take a string."""
        if not self.begins("\"'"):
            raise Cut(answer=False)
        found = _TEXT.match(self._text, self._at)
        if found is None or not found["end"]:
            raise Cut
        self._at = found.end()
        return found["text"]

    def scalar(self) -> bool:
        """Move over a string, a number or a word."""
        if self.begins("\"'"):
            self.string()
            return True
        found = _WORD.match(self._text, self._at)
        if found is not None and found.end() == len(self._text):
            raise Cut
        self._at = found.end() if found else self._at
        return found is not None


Judge: TypeAlias = Callable[[Beginning], bool]
"""Looks at a beginning; where that is cut it raises."""


class Gate:
    """Judges the beginning of JSON that comes in pieces."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._text = ""
        self._answer: bool | None = None

    def feed(self, piece: str) -> bool | None:
        """Take the next piece; None: it may still be a call."""
        if self._answer is None:
            self._text += piece[: LONGEST - len(self._text)]
            try:
                self._answer = self._judge(Beginning(self._text))
            except Cut as cut:
                self._answer = False if len(self._text) == LONGEST else cut.answer
        return self._answer


def begins_object(text: Beginning) -> bool:
    """Tell whether an object begins here, alone or in a list."""
    text.takes("[")
    return text.takes("{")


def names_tool(tools: Tools, text: Beginning, *, lone: bool = False) -> bool:
    """Tell whether a call of a declared tool may begin here. `lone`: a name alone is one, too."""
    if not begins_object(text):
        return False
    while True:
        key = text.key(_KEYS)
        if key == "function" and text.takes("{"):
            continue
        if key in NAMES:
            tool = declared_tool(text.string(), tools)
            return tool is not None and _arguments_follow(tool, text, lone=lone)
        if key in ARGUMENTS:
            return text.begins("{\"'")
        if key not in BESIDE or not (text.scalar() and text.takes(",")):
            return False


def _arguments_follow(tool: ToolSpec, text: Beginning, *, lone: bool) -> bool:
    known = properties(tool).union(ARGUMENTS)
    while text.takes(","):
        key = text.key(known | BESIDE)
        if key in known:
            return True
        if key not in BESIDE or not text.scalar():
            return False
    return lone and text.takes("}")
