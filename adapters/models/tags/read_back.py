"""Checks that what is written in tags would be read as it was meant, whichever names are declared where it is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from adapters.base import Scan
from adapters.models.tags.qwen_xml_tags import QWEN, Names, Vocabulary, Writing
from rules.conversation import ToolCall

SLICE = 4096

_TAG = re.compile(r"</?[^<>\n]{1,80}")
_WORD = re.compile(r"""[^\s<>"'=/]+""")


def all_declared(block: str, names: Iterable[str], writing: Writing = QWEN) -> Vocabulary:
    """Take every word in a tag for a declared name: which ones are is not known where a call is written."""
    words = frozenset(word for tag in _TAG.findall(block) for word in _WORD.findall(tag))
    every = words | frozenset(names)
    return Vocabulary(dict.fromkeys(every, words), every, words - writing.tags, writing=writing)


def readers(block: str, calls: Sequence[ToolCall]) -> tuple[Vocabulary, ...]:
    """List what may be declared where a block is read: nothing, every word, or what its calls give, and more allowed or not."""
    names = frozenset(call.name for call in calls)
    every = all_declared(block, names)
    given: dict[str, Names] = dict.fromkeys(names, frozenset())
    for call in calls:
        given[call.name] |= frozenset(call.arguments)
    return (Vocabulary({}, frozenset(), frozenset()), every, every._replace(fixed=names), Vocabulary(given, names, names, names))


def reaches_its_end(scan: Scan, block: str) -> bool:
    """Whether a block ends where it ends, in an answer that goes on behind it."""
    end = next((end for piece in (*slices(block), "\n.") if (end := scan.feed(piece)) is not None), None)
    return (scan.finish() if end is None else end) == len(block)


def slices(text: str) -> Iterator[str]:
    """Yield a text in pieces."""
    return (text[at : at + SLICE] for at in range(0, len(text), SLICE))
