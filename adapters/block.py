"""One block of markup while it is read: the forms it may have, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from adapters.base import Form, Scan
from rules.conversation import Tools


@dataclass(slots=True)
class _Live:
    """A form that may still be the block's, and where its block ends once its scan knows."""

    form: Form
    scan: Scan
    end: int | None = None


class Block:
    """One block being read: its forms' scans, side by side, its text, and how long that is."""

    def __init__(self, forms: Sequence[Form], tools: Tools) -> None:
        self._live = [_Live(form, form.scan(tools)) for form in forms]
        self._pieces: list[str] = []
        self.length = 0

    @property
    def text(self) -> str:
        """All text of the block so far, opener included."""
        return "".join(self._pieces)

    def feed(self, piece: str) -> tuple[Form, int] | Literal["no"] | None:
        """Take a piece. Once known: the form and where its block ends; "no" where no form takes it."""
        self._pieces.append(piece)
        self.length += len(piece)
        return self._ask(lambda scan: scan.feed(piece))

    def finish(self) -> tuple[Form, int] | Literal["no"]:
        """Decide now, for the text is over."""
        return self._ask(lambda scan: scan.finish()) or "no"

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
