"""Reads how a Qwen XML block begins: which function it names, or that it is no block at all."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from adapters.models.tags.qwen_xml_tags import LONGEST, Token

_LOST = "function="
"""The function tag without its `<`."""
_LOST_TAG = re.compile(r"""function=\s*["']?([^\s<>"'={}\[\](),]+)["']?[ \t]*(?:>|(?=\n))""")
_NAME = re.compile(r"[\w.:/-]+\Z")


class Named(NamedTuple):
    """The function's name is known. `rest`: text behind it; `again`: the token already belongs to the body."""

    name: str
    rest: str = ""
    again: bool = False


class Head:
    """Takes tokens until the function is named. Says "no" as soon as what follows the opener can be no call."""

    def __init__(self, tools: frozenset[str], *, wrapped: bool, strict: bool) -> None:
        self._tools = tools
        self._wrapped = wrapped
        self._strict = strict
        self._text = ""
        self._element: str | None = None

    def take(self, token: Token) -> Named | Literal["no"] | None:
        """Take the next token of the block, the opener first."""
        if token.kind == "wrapper" and token.start == 0 and self._wrapped:
            return None
        if self._element is not None:
            return self._in_element(token)
        if token.kind == "text":
            return self._words(token.text)
        text = self._text.strip()
        if token.kind == "function" and not text:
            return self._tag(token.name)
        if token.kind in ("<name>", "parameter") and text in self._tools:
            return Named(text, again=True)
        return "no"

    def _tag(self, name: str) -> Named | Literal["no"] | None:
        if name:
            fits = name in self._tools if self._strict else _NAME.match(name)
            return Named(name) if fits else "no"
        self._element = ""
        return None if self._wrapped else "no"

    def _in_element(self, token: Token) -> Named | Literal["no"] | None:
        """The name is the text of the element: `<function>NAME</function>`."""
        self._element = f"{self._element}{token.text}"
        name = self._element.strip()
        if token.kind == "/function" and _NAME.match(name):
            return Named(name)
        return None if token.kind == "text" and len(self._element) < LONGEST else "no"

    def _words(self, text: str) -> Named | Literal["no"] | None:
        """Text in front of any tag: a function tag that lost its `<`, a bare name, or prose."""
        self._text = (self._text + text).lstrip()
        begun = self._text
        lost = _LOST_TAG.match(begun, 0, LONGEST)
        if lost:
            return Named(lost.group(1), rest=begun[lost.end() :])
        if not begun or _LOST.startswith(begun) or (begun.startswith(_LOST) and len(begun) < LONGEST):
            return None
        if any(name.startswith(begun) for name in self._tools):
            return None
        bare = begun.rstrip()
        return None if bare in self._tools and len(begun) < len(bare) + LONGEST else "no"
