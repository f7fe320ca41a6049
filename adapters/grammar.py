"""What a decoder looks for: the markers and forms of all dialects that an answer may be written in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from adapters.base import Dialect, Form
from adapters.lexer import Markers
from rules.conversation import Tools


@dataclass(frozen=True, slots=True)
class Grammar:
    """What to look for, made once for a set of dialects and tools."""

    tools: Tools
    forms: Mapping[str, tuple[Form, ...]]
    thoughts: Mapping[str, frozenset[str]]
    labels: frozenset[str]
    stray: frozenset[str]
    ends: frozenset[str]
    stops: frozenset[str]
    results: frozenset[str]
    markers: Markers

    @property
    def closers(self) -> frozenset[str]:
        """The markers that end a thought and nothing else: alone, they show that the prompt had opened one."""
        return frozenset().union(*self.thoughts.values()) - self.stray


def is_word(marker: str) -> bool:
    """Tell whether a marker is a word, with Markdown around it or not: such a one counts only where a line begins."""
    return marker.lstrip("#* ")[:1].isalnum()


def grammar(dialects: Sequence[Dialect], tools: Tools, stops: Iterable[str] = (), *, calls: bool = True) -> Grammar:
    """Join dialects, the likeliest first, into one grammar.

    stops  the request's own stop strings: they end the turn, quoted or not
    calls  false where nobody can call anything: what looks like a call is text
    """
    forms: dict[str, list[Form]] = {}
    stops = tuple(stops)
    for form in dict.fromkeys(form for dialect in dialects for form in dialect.forms(tools)) if calls else ():
        forms.setdefault(form.opener, []).append(form)
    thoughts: dict[str, frozenset[str]] = {}
    for opener, closer in (pair for dialect in dialects for pair in dialect.thinking):
        thoughts[opener] = thoughts.get(opener, frozenset()) | {closer}
    closing = {closer for closers in thoughts.values() for closer in closers}
    stray = {each for dialect in dialects for each in dialect.closers if calls or each in closing}
    wraps = {dialect.wraps for dialect in dialects if dialect.wraps}
    stray |= set(*wraps) if calls and len(wraps) == 1 else set()
    ends = {each for dialect in dialects for each in dialect.ends} | {*stops}
    results = {each for dialect in dialects for each in dialect.results}
    labels = frozenset(f"{dialect.thinking[0][0]}{dialect.label}" for dialect in dialects if dialect.label)
    markers = {*forms, *thoughts, *closing, *stray, *ends, *results, *labels}
    return Grammar(
        tools,
        {opener: tuple(each) for opener, each in forms.items()},
        thoughts | {label: thoughts[opener] for label in labels for opener in thoughts if label.startswith(opener)},
        labels,
        frozenset(stray),
        frozenset(ends),
        frozenset(stops),
        frozenset(results),
        Markers(markers),
    )
