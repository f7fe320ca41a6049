"""Harmony without its special tokens, as some servers leave it: the words of a header are glued to what they head.

    analysisI need the weather.assistantcommentary to=functions.get_weather json{"city": "Paris"}
    analysisThey ask for a digit.assistantfinal5

Only the beginning of an answer counts, and only where the rest bears it out: `analysis` with a capital letter glued to it and,
somewhere behind it, the header of the next message; or the header of a message to a function. Seen in macprovider#743 and
Rapid-MLX#480.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from adapters.base import Form
from adapters.lexer import Lexer
from adapters.models.headed.headed_read import headed, nobodys
from adapters.models.headed.headed_scan import Frame
from rules.conversation import Tools

ANALYSIS, ROLE = "analysis", "assistant"
FINAL = f"{ROLE}final"
CALLS = (f"{ROLE}commentary to=", f"{ROLE}analysis to=")

_TO = r"(?:commentary|analysis) to="
FRAME = Frame(
    openers=(),
    begun=re.compile(rf"{_TO}[\w.:/-]{{0,128}}(?:\s\w{{0,4}})?\s*\Z"),
    head=re.compile(rf"{_TO}(?:functions\.)?(?P<name>\w[\w.:/-]*)(?:\s(?:json|code))?\s*"),
    separators=(),
    over=(FINAL, *CALLS),
)


class _ThoughtScan:
    """Finds the end of a thought: `assistantfinal`, or the role before the header of a call."""

    def __init__(self, tools: Tools) -> None:
        del tools
        self._lexer = Lexer((FINAL, *CALLS))

    def feed(self, piece: str) -> int | Literal["no"] | None:
        for token in self._lexer.feed(piece):
            if token.marker:
                return token.end if token.marker == FINAL else token.start + len(ROLE)
            glued = token.text[max(len(ANALYSIS) - token.start, 0) :][:1]
            if token.start <= len(ANALYSIS) and glued and (not glued.isalpha() or glued.islower()):
                return "no"
        return None

    def finish(self) -> Literal["no"]:
        return "no"


def _thought(block: str) -> str:
    return block.removeprefix(ANALYSIS).removesuffix(FINAL).removesuffix(ROLE)


def forms(tools: Tools) -> Sequence[Form]:
    """List what an answer may begin with: a thought, or a message to a function."""
    reads = headed(FRAME, tools)
    names = ("functions.", *(tool.name for tool in tools))
    heads = (reads.form(f"{channel} to={name}", first=True) for channel in ("commentary", ANALYSIS) for name in names)
    return (Form(ANALYSIS, _ThoughtScan, nobodys, first=True, thought=_thought), *heads)
