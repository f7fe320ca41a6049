"""Looks behind a finished Qwen XML function for closers that show that it had not ended there.

A file about this format may hold `</parameter>` and `</function>` where the call's own would stand. The call seems to end in
the middle of the file; its own closers come later, in what looks like text. So text right behind a call is kept until the next
call or the end of the turn. Closers in it count where one stands first on its line, or where several stand together; right
behind the call a parameter's closer counts, for nothing else explains it.
"""

from __future__ import annotations

from typing import Literal

from adapters.models.tags.qwen_xml_tags import Token

Keep = Literal["no", "line", "all"]
"""What behind a function may show that it had not ended: nothing, text on the same line, any text."""

_CLOSERS = ("/parameter", "/function", "/wrapper")


class Tail:
    """The machine. `stop`: where the block ends; `found`: a closer was found that nothing behind the call accounts for."""

    def __init__(self, stop: int, keep: Keep, *, wrapped: bool) -> None:
        self.stop = stop
        self.found = False
        self._keep = keep
        self._wrapped = wrapped
        self._words = False
        self._run = 0

    @property
    def certain(self) -> bool:
        """Whether nothing that follows matters."""
        return self._keep == "no" and not self._wrapped

    def take(self, token: Token) -> Literal["wait", "next", "over"]:
        """Take the next token: the next function of this wrapper opens, or all is seen that matters."""
        if token.kind == "text":
            self._text(token.text)
        elif token.kind in ("function", "wrapper", "end"):
            return "next" if token.kind == "function" and token.name and self._wrapped and not self._words else "over"
        elif token.kind == "/wrapper" and self._wrapped and not self._words:
            self.stop, self._wrapped = token.end, False
        elif token.kind in _CLOSERS:
            self._closer(token)
        else:
            self._words, self._run = True, 0
        return "over" if self.certain or (self._keep == "no" and self._words) else "wait"

    def _text(self, text: str) -> None:
        body = text.lstrip()
        if self._keep == "line" and not self._words and "\n" in text[: len(text) - len(body)]:
            self._keep = "no"
        if body:
            self._words, self._run = True, 0

    def _closer(self, token: Token) -> None:
        if not self._words and (self._keep == "no" or token.kind != "/parameter"):
            self._words = self._keep == "no"
            return
        self._run += 1
        alone = not self._words or (token.indent is not None and token.kind != "/wrapper")
        if alone or self._run > 1:
            self.stop, self.found, self._words = token.end, True, True
