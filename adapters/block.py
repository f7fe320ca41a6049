"""One block of markup while it is read: the forms it may have, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from adapters.base import Form, Scan
from adapters.string_builder import StringBuilder
from rules.conversation import Tools

GLANCE = 32
"""Characters of a block that its scans see first; then as many again. What is soon found to be no block costs little."""


@dataclass(slots=True)
class _Live:
    """A form that may still be the block's, and where its block ends once its scan knows."""

    form: Form
    scan: Scan
    end: int | None = None


class Block:
    """One block being read: its forms' scans, side by side, and its text."""

    def __init__(self, forms: Sequence[Form], tools: Tools) -> None:
        self._live = [_Live(form, form.scan(tools)) for form in forms]
        self._text = StringBuilder()
        self._length = 0

    @property
    def text(self) -> str:
        """All text of the block so far, opener included."""
        return str(self._text)

    def take(self, text: str, *, final: bool) -> tuple[tuple[Form, int] | Literal["no"] | None, str]:
        """Take some of a text, as much as there was before. Return what is left of it, and what is known: the form and where
        its block ends, or "no" where no form takes it. With `final` it is decided once nothing is left.
        """
        reach = max(GLANCE, self._length)
        piece, left = text[:reach], text[reach:]
        self._text.add(piece)
        self._length += len(piece)
        ended = self._ask(lambda scan: scan.feed(piece)) if piece else None
        if ended is None and final and not left:
            ended = self._ask(lambda scan: scan.finish()) or "no"
        return ended, left

    def _ask(self, question: Callable[[Scan], int | Literal["no"] | None]) -> tuple[Form, int] | Literal["no"] | None:
        """Ask the scans that do not know yet. The first form that is still possible decides, once it knows."""
        still: list[_Live] = []
        for each in self._live:
            answer = question(each.scan) if each.end is None else each.end
            if answer != "no":
                each.end = answer
                still.append(each)
        self._live = still
        if not still:
            return "no"
        first = still[0]
        return None if first.end is None else (first.form, first.end)
