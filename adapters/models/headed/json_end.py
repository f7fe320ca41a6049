"""Follows JSON token by token and knows where it ends, so that a marker inside a string is told from a real one.

It trusts quotes and brackets as long as the text could be JSON. Models leave quotes unescaped; what then stands behind a string
cannot follow one, and from there on nothing here is certain: the text is `broken`, and its frame has to say where it ends.

`json_tokens` serves formats in which, nearly always, JSON names its tool; there brackets are only counted. Here a head has named
the tool already, so that the text is held to JSON's grammar, one value at a time, and single quotes are quotes as well: models
write arguments as Python does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adapters.lexer import Token

TOKENS: Final = ("{", "}", "[", "]", '"', "'", "\\\\", '\\"', "\\'")
"""What JSON's structure is made of; escapes are tokens so that an escaped quote is none."""

_CLOSES: Final[Mapping[str, str]] = {"}": "{", "]": "["}
_BEFORE_VALUE: Final = frozenset({"", "{", "[", ",", ":"})
_ENDED: Final = frozenset({'"', "}", "]"})


class JsonEnd:
    """The machine. Takes the tokens of one object or list, its opening bracket first.

    done    the value has ended
    broken  the text is no JSON as it stands: an unescaped quote, a bracket that closes nothing
    """

    def __init__(self) -> None:
        self.done = self.broken = False
        self._open: list[str] = []
        self._quote = ""
        self._last = ""

    @property
    def quoted(self) -> bool:
        """Whether what comes next stands inside a string."""
        return bool(self._quote)

    def take(self, token: Token) -> None:
        """Take the next token; once `done` or `broken`, no more."""
        marker = token.marker
        if self._quote:
            if marker == self._quote:
                self._quote, self._last = "", '"'
        elif marker in ('"', "'"):
            self.broken = self._last not in _BEFORE_VALUE
            self._quote = marker
        elif marker in ("{", "["):
            self.broken = self._last not in _BEFORE_VALUE
            self._open.append(marker)
            self._last = marker
        elif marker in _CLOSES:
            self.broken = self._open.pop() != _CLOSES[marker]
            self.done = not self._open and not self.broken
            self._last = marker
        else:
            self._between(token.text.strip())

    def _between(self, text: str) -> None:
        """Note what stands between strings and brackets: commas, colons, numbers and words."""
        if text:
            self.broken = self._last in _ENDED and text[0] not in ",:"
            self._last = text[-1]
