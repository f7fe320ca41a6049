"""What an answer repeats without end: how much of it is borne, what is said of it, and the text without it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from rules.base import Problem

Reason = Literal["repeated-token", "repeated-cycle", "repeated-lines", "special-token-flood", "endless-whitespace"]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A repetition that no right answer has.

    size    characters of one repetition
    chars   characters of all of them so far
    tokens  tokens that they took, where the server tells; else 0
    """

    reason: Reason
    size: int
    chars: int
    tokens: int = 0


def problem_of(reason: Reason) -> Problem:
    """Say what is wrong with an answer that repeats itself, and what to do instead."""
    return Problem(reason, "model-degenerate", f"It {_DOES[reason]} without end and was cut off. {_INSTEAD}")


_INSTEAD: Final = "Write nothing twice, answer shortly, and end the answer."
_DOES: Final[Mapping[Reason, str]] = {
    "repeated-token": "repeated one word",
    "repeated-cycle": "repeated the same words",
    "repeated-lines": "repeated the same lines",
    "special-token-flood": "wrote special tokens",
    "endless-whitespace": "went on with blanks",
}


class Rope(NamedTuple):
    """How much exact repetition is borne.

    chars, tokens  a repetition must have lasted for so many characters, or (where the server tells) tokens
    times          and have come so many times
    blanks         characters of nothing but blanks; `blank_tokens`: tokens of them
    same           tokens of one kind, figures and blanks aside
    """

    chars: int
    tokens: int
    times: int
    blanks: int
    blank_tokens: int
    same: int

    def spent(self, chars: int, tokens: int, times: int) -> bool:
        """Tell whether a repetition has used it up."""
        return times >= self.times and (chars >= self.chars or tokens >= self.tokens)


TEXT: Final = Rope(8192, 1024, 8, 2048, 512, 256)
"""In text and thought: a matrix of 20 x 20 zeros has 800 tokens, a hundred lines of the same ten words have a thousand, a rule
or a row of a table has a few hundred characters. Characters are eight for a token: repeated text is cut into long tokens."""

CALL: Final = Rope(65_536, 8192, 16, 8192, 2048, 8192)
"""In a call, whose arguments may be a file: 2,000 numbers of four tokens, 2,000 blanks of indentation, zeros in base64."""

MARKS: Final = 48
"""Special tokens in a row that make a flood: no format has ten, and a test's padded sentence has some twenty."""

_SURE = (
    r"<\|[^<>|\s]{1,40}\|?>|<[^<>|\s]{1,40}\|>|<\uff5c[^<>\s]{1,40}\uff5c>|</?(?:pad|s|unk|bos|eos|mask|think|unused_?\d{1,6})>"
    r"|\[(?:PAD|UNK|CLS|SEP|MASK|/?INST|[A-Z]{2,20}_[A-Z\d_]{1,20}|(?:UNUSED|unused)_?\d{1,6})\]"
)
_LIKELY = r"</?[A-Za-z]{1,20}(?:_[A-Za-z\d]{1,20}){1,4}>"
MARK: Final = re.compile(rf"(?P<sure>{_SURE})|(?P<likely>{_LIKELY})")
"""A special token, by its looks. `likely` ones could be tags of somebody's XML: only the same one over and over is a flood."""

LONGEST_MARK: Final = 108
"""Characters of the longest text that `MARK` matches."""

_PARTS = re.compile(rf"(?P<mark>{_SURE}|{_LIKELY})|\s+")


def tail_of(text: str, repeat: Repeat) -> tuple[str, str, int]:
    """Split a text that ends in a repetition: what stands before it, one repetition, and how many there are.

    Where the text ends otherwise (the repetition was in a thought, or in a call) there are none, and all of it stands before.
    """
    if repeat.reason == "endless-whitespace":
        before = text.rstrip()
        return before, "", len(text) - len(before)
    if repeat.reason == "special-token-flood":
        return _without_marks(text)
    unit, at = text[-repeat.size :], len(text)
    while at >= repeat.size and text.startswith(unit, at - repeat.size):
        at -= repeat.size
    times = (len(text) - at) // repeat.size
    return (text[:at], unit, times) if times > 1 else (text, "", 0)


def _without_marks(text: str) -> tuple[str, str, int]:
    """Split a text before the special tokens, and blanks among them, that it ends in; count the tokens."""
    start = end = count = 0
    for found in _PARTS.finditer(text):
        if found.start() != end:
            start, count = found.start(), 0
        end, count = found.end(), count + (found["mark"] is not None)
    return (text[:start], "", count) if end == len(text) else (text, "", 0)


def told_once(text: str, repeat: Repeat) -> str:
    """Return the text with the repetition at its end told once: what a client gets of it."""
    before, unit, times = tail_of(text, repeat)
    return f"{before}{unit}".rstrip() if times else text


def counted(text: str, repeat: Repeat) -> str:
    """Return the text with the repetition at its end counted: what the model gets to see of its own answer."""
    before, unit, times = tail_of(text, repeat)
    what = {"endless-whitespace": "blanks", "special-token-flood": "special tokens"}.get(repeat.reason, "times the same")
    return f"{before}{unit}\n[... {times} {what} ...]" if times else text
