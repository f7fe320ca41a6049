"""Which of the texts that a schema allows a text is, written in another way."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from rules.conversation import Json, Schema
from rules.kinds import SchemaLookup

MAX_TEXT: Final = 1000
"""Characters of a text that may be a choice."""

_FRAME: Final = " \t\r\n\"'`"
_BETWEEN_LETTERS: Final = re.compile(r"(?<=[^\W\d_])[-_\s]+(?=[^\W\d_])")


def fitting(text: str, schema: Json | Schema, lookup: SchemaLookup) -> list[str]:
    """Return the choices that a text may be: with case, blanks and quotes around it set aside, else with the dashes in it.

    Dashes count as nothing only between letters: `t-1` is not `t1`, and `-1` not `1`.
    """
    declared = [each for each in lookup.choices(schema, "string") or () if isinstance(each, str)]
    if not declared or len(text) > MAX_TEXT:
        return []
    ways: tuple[Callable[[str], str], ...] = (_folded, _run_together)
    found = ([each for each in declared if same(each) == same(text)] for same in ways)
    return next((each for each in found if each), [])


def _folded(text: str) -> str:
    return text.strip(_FRAME).casefold()


def _run_together(text: str) -> str:
    return _BETWEEN_LETTERS.sub("", _folded(text))
