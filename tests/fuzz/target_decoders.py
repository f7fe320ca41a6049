"""Every dialect's decoder: cuts do not matter, no character is lost, and it never raises."""

from __future__ import annotations

from functools import cache
from typing import Final

from adapters.base import Dialect, Unwritable
from adapters.decoding import Opened, decoder_for
from adapters.events import merge
from adapters.grammar import Grammar, grammar
from adapters.registry import DIALECTS
from adapters.turns import TurnBuilder
from rules.conversation import Ending, ToolCall, Turn
from tests.laws.tools import TOOLS

ALL: Final = tuple(DIALECTS.values())
COMPANY: Final = tuple(DIALECTS[name] for name in ("hermes_json", "qwen_xml", "gemma4"))
OPENED: Final[tuple[Opened, ...]] = ("no", "yes", "likely", "maybe")
ENDINGS: Final[tuple[Ending, ...]] = ("stop", "length", "cut")
CUTS: Final = ("characters", "pieces", "two")
CALLS: Final = (ToolCall("", "edit_file", {"path": "/a b", "line": 1, "tags": ["x"]}), ToolCall("", "bash", {"command": "ls"}))


def run(data: bytes) -> None:
    """Three bytes say which dialect, in which state and cut where; the rest is what the model wrote."""
    which, state, size = (*data[:3], 0, 0, 0)[:3]
    text = data[3:].decode("utf-8", "replace")
    using, opened, ending = reading(which), OPENED[state % 4], ENDINGS[state // 4 % 3]
    pieces = cut(text, CUTS[state // 12 % 3], size)
    assert decoded(pieces, using, opened, ending) == decoded([text], using, opened, ending)


def cut(text: str, way: str, size: int) -> list[str]:
    """Cut a text: into characters, into pieces of a size, or in two."""
    if way == "two":
        at = size * len(text) // 256
        return [text[:at], text[at:]]
    size = 1 if way == "characters" else size + 2
    return [text[at : at + size] for at in range(0, len(text), size)]


@cache
def reading(which: int) -> Grammar:
    """Return a dialect alone, in the company that profiles read it in, or all dialects at once."""
    if which == 255:
        return grammar([each for each in ALL if not each.asked], TOOLS)
    dialect = ALL[which % len(ALL)]
    return grammar([dialect] if which < 128 else list(dict.fromkeys((dialect, *COMPANY))), TOOLS)


def decoded(pieces: list[str], using: Grammar, opened: Opened, ending: Ending) -> tuple[object, Turn]:
    """Decode pieces as `proxy.decoding` does. All of the text is in the events, and what was shown is the turn's text."""
    decoder, builder = decoder_for(using, opened), TurnBuilder()
    events, shown = [], ""
    for piece in pieces:
        found = decoder.feed(piece)
        shown += builder.take(found)[0]
        events += found
    builder.open = decoder.inside
    found = decoder.finish()
    shown += builder.take(found)[0]
    events = merge([*events, *found])
    last, turn = builder.finish(ending)
    assert "".join(event.raw for event in events) == "".join(pieces)
    assert shown + last == turn.text
    return events, turn


def written(dialect: Dialect) -> str:
    """Write two calls in a dialect, or one where it carries one only."""
    for calls in (CALLS, CALLS[1:]):
        try:
            return dialect.render(calls)
        except Unwritable:
            continue
    return ""


def _seed(at: int, dialect: Dialect) -> bytes:
    opener, closer = (*dialect.thinking, ("", ""))[0]
    return bytes((at, at % 36, at)) + f"{opener}why{closer}I go.\n{written(dialect)}".encode()


SEEDS = tuple(_seed(at, dialect) for at, dialect in enumerate(ALL))
WORDS = tuple(
    sorted(
        {
            marker.encode()
            for dialect in ALL
            for marker in (
                *(form.opener for form in dialect.forms(TOOLS)),
                *(each for pair in dialect.thinking for each in pair),
                *dialect.closers,
                *dialect.ends,
                *dialect.results,
            )
            if marker
        }
        | {b"edit_file", b"bash", b"path", b'{"name": "bash", "arguments": {"command": "', b"```\n", b'"}}', b"</parameter>"}
    )
)
