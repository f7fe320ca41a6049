"""Cuts a Qwen XML block into tags and the text between them, whatever way the text is cut.

A tag is read generously: `<function=x >`, `<parameter name="k">`, `<parameter=k=v`, `</parameter/>`, `</parameter1>`, and
tags that lost their `>`. What a tag means where it stands is decided in `qwen_xml_walk`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple, Protocol

from rules.conversation import Json, Schema, Tools

RESPONSE = "<tool_response>"
LONGEST = 256
"""A tag without `>` is taken as it stands after this many characters."""

Kind = Literal[
    "text",
    "parameter",
    "function",
    "wrapper",
    "end",
    "/parameter",
    "/function",
    "/wrapper",
    "<name>",
    "</name>",
    "cdata",
    "/cdata",
]
Names = frozenset[str]
_DECIDED = re.compile(r"[>\n]")
_BEHIND_CLOSER = re.compile(r"\d{0,3}(?:[=/ \t][^<>\n]{0,40})?>|(?=[\s<]|\Z)")
_BEHIND_OPENER = re.compile(rf"(?=[\s=>\"'])[^<>\n]{{0,{LONGEST}}}>?")
_PARAMETER = re.compile(r"""\s*(?:name\s*)?=?\s*["']?\s*(?P<name>[^\s<>"'=]*)(?P<tail>\s*["']?\s*)""")
_FUNCTION = re.compile(r"""\s*(?:name\s*)?=?\s*["']?\s*(?P<name>[^\s<>"'={}\[\](),]*)(?P<tail>\s*["']?\s*/?)""")


class Writing(NamedTuple):
    """How a family writes the format.

    wrapper, function, parameter  the names of its tags
    attribute  the name of a function or parameter stands in quotes: `<function name="x">`
    framed     a newline on each side of a value is no part of it
    ends       markers that end the turn
    """

    wrapper: str = "tool_call"
    function: str = "function"
    parameter: str = "parameter"
    attribute: bool = False
    framed: bool = True
    ends: tuple[str, ...] = ("<|im_end|>", "<|endoftext|>")

    @property
    def opener(self) -> str:
        """The tag that opens the wrapper."""
        return f"<{self.wrapper}>"

    @property
    def closer(self) -> str:
        """The tag that closes the wrapper."""
        return f"</{self.wrapper}>"

    @property
    def tags(self) -> Names:
        """Tags of the format itself, even where a tool or property is called so."""
        return frozenset({self.wrapper, self.function, self.parameter})

    @property
    def heads(self) -> dict[str, Kind]:
        """What a tag begins with, and what it is."""
        wrapper, function, parameter = self.wrapper, self.function, self.parameter
        return {
            f"</{parameter}": "/parameter",
            f"</{function}": "/function",
            f"</{wrapper}": "/wrapper",
            f"<{parameter}": "parameter",
            f"<{function}": "function",
        }

    @property
    def literals(self) -> dict[str, Kind]:
        """Markers that are always written in one way, and what they are."""
        ends: dict[str, Kind] = dict.fromkeys((RESPONSE, *self.ends), "end")
        return {self.opener: "wrapper", **ends, "<![CDATA[": "cdata", "]]>": "/cdata"}

    def named(self, tag: str, name: str) -> str:
        """Return the tag that opens a function or a parameter."""
        return f'<{tag} name="{name}">' if self.attribute else f"<{tag}={name}>"


QWEN = Writing()


class Token(NamedTuple):
    """A tag, or a stretch of text between tags.

    start, end  positions from the first character of the block; a tag that lost its `>` ends where its name does
    text        of a stretch of text, or of a tag that opens a function or parameter
    name        of a function, parameter or property; empty where it has none
    indent      blanks before a tag that is the first thing on its line; None where something else stands before it
    """

    kind: Kind
    start: int
    end: int
    text: str = ""
    name: str = ""
    indent: int | None = None


class Tokens(Protocol):
    """Yields the tokens of a block that comes in pieces."""

    def feed(self, piece: str, *, final: bool = False) -> Iterator[Token]:
        """Yield what is certain by now; with `final`, all that is left."""


class Lexicon(NamedTuple):
    """What the tags of a format look like.

    literals  fixed texts; one of the kind `text` counts as a blank
    named     fixed tags that carry a name
    heads     how tags begin that hold more, the longer of two that begin alike first
    """

    literals: Mapping[str, Kind]
    named: Mapping[str, tuple[Kind, str]]
    heads: Mapping[str, Kind]
    pattern: re.Pattern[str]
    prefixes: Names


def lexicon(literals: Mapping[str, Kind], named: Mapping[str, tuple[Kind, str]], heads: Mapping[str, Kind]) -> Lexicon:
    """Prepare a lexicon. Every text in it begins with `<` and holds no other, or is `]]>`."""
    fixed = (*literals, *sorted(named))
    pattern = re.compile("|".join(map(re.escape, (*fixed, *heads))))
    begun = {text[:length] for text in (*fixed, *heads) for length in range(1, len(text))}
    return Lexicon(literals, named, heads, pattern, frozenset(begun))


@lru_cache(maxsize=256)
def words(names: Names, writing: Writing) -> Lexicon:
    """Return the tags of a family, and a tag of its own for each of these names."""
    named: dict[str, tuple[Kind, str]] = {f"<{name}>": ("<name>", name) for name in names}
    named |= {f"</{name}>": ("</name>", name) for name in names}
    return lexicon(writing.literals, named, writing.heads)


class Vocabulary(NamedTuple):
    """What the declared tools name. Made once for a set of tools: a text may hold many openers.

    properties  tool -> its declared properties
    names       all names that may stand as tags of their own
    fixed       the tools that take no properties but the declared ones
    """

    properties: Mapping[str, Names]
    tools: Names
    names: Names
    fixed: Names = frozenset()
    writing: Writing = QWEN


def vocabulary(tools: Tools, writing: Writing = QWEN) -> Vocabulary:
    """Collect the names of tools and of their properties."""
    properties = {tool.name: _properties(tool.parameters.get("properties")) for tool in tools}
    names = frozenset(properties).union(*properties.values()) - writing.tags
    fixed = frozenset(tool.name for tool in tools if properties[tool.name] and not _takes_more(tool.parameters))
    return Vocabulary(properties, frozenset(properties), names, fixed, writing)


def _takes_more(schema: Schema) -> bool:
    return bool(schema.get("additionalProperties") or schema.get("patternProperties"))


def _properties(declared: Json) -> Names:
    return frozenset(declared) if isinstance(declared, dict) else frozenset()


class Tags:
    """Yields tokens. Holds back only what may become a tag."""

    def __init__(self, words: Lexicon) -> None:
        self._words = words
        self._held = ""
        self._base = 0
        self._indent: int | None = None

    def feed(self, piece: str, *, final: bool = False) -> Iterator[Token]:
        """Yield what is certain by now; with `final`, all that is left."""
        text = self._held + piece
        limit = len(text) if final else self._certain(text)
        at = 0
        while (found := self._words.pattern.search(text, at)) and found.start() < limit:
            token = self._tag(text, found)
            before = found.end() if token is None else found.start()
            if before > at:
                yield self._plain(text, at, before)
            at = before
            if token is not None:
                at = token.end - self._base
                yield token._replace(indent=self._indent)
                self._indent = self._indent if token.kind == "text" else None
        if limit > at:
            yield self._plain(text, at, limit)
            at = limit
        self._held, self._base = text[at:], self._base + at

    def _plain(self, text: str, start: int, end: int) -> Token:
        """Make a stretch of text, and note what it leaves on the last line."""
        stretch = text[start:end]
        newline = stretch.rfind("\n")
        last = stretch[newline + 1 :]
        if last and not last.isspace():
            self._indent = None
        elif newline >= 0:
            self._indent = len(last)
        elif self._indent is not None:
            self._indent += len(last)
        return Token("text", self._base + start, self._base + end, stretch)

    def _certain(self, text: str) -> int:
        """Return up to where no further character can change what is a tag."""
        limit = len(text) - (2 if text.endswith("]]") else text.endswith("]"))
        last = text.rfind("<", max(0, len(text) - LONGEST - 32))
        tail = text[last:] if last >= 0 else "-"
        if tail in self._words.prefixes:
            return last
        for head in self._words.heads:
            if tail.startswith(head) and len(tail) <= len(head) + LONGEST and not _DECIDED.search(tail, len(head)):
                return min(last, limit)
        return limit

    def _tag(self, text: str, found: re.Match[str]) -> Token | None:
        start, mark = self._base + found.start(), found.group()
        if mark in self._words.literals:
            kind = self._words.literals[mark]
            return Token(kind, start, self._base + found.end(), " " if kind == "text" else "")
        if mark in self._words.named:
            kind, name = self._words.named[mark]
            return Token(kind, start, self._base + found.end(), name=name)
        kind = self._words.heads[mark]
        reader = _closer if kind.startswith("/") else _opener
        return reader(kind, start, text, found.end(), self._base)


def _closer(kind: Kind, start: int, text: str, at: int, base: int) -> Token | None:
    behind = _BEHIND_CLOSER.match(text, at)
    return Token(kind, start, base + behind.end()) if behind else None


def _opener(kind: Kind, start: int, text: str, at: int, base: int) -> Token | None:
    behind = _BEHIND_OPENER.match(text, at)
    if behind is None:
        return None
    inner, closed = behind.group().removesuffix(">"), behind.group().endswith(">")
    parts = (_PARAMETER if kind == "parameter" else _FUNCTION).match(inner)
    if parts is None:
        return None
    rest, end = inner[parts.end() :], at + parts.end()
    if closed and (not rest or (kind == "parameter" and not rest.startswith("="))):
        end = behind.end()
    elif rest.startswith("="):
        end += 1
    elif not closed or rest:
        end = at + parts.end("name") + len(parts["tail"].rstrip(" \t"))
    return Token(kind, start, base + end, text[start - base : end], parts["name"])
