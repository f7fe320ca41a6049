"""One block of markup while it is read: the forms it may have, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from adapters.base import Form, Scan
from rules.conversation import Tools


class Block:
    """One block being read: its forms' scans, side by side, and its text."""

    def __init__(self, forms: Sequence[Form], tools: Tools) -> None:
        self._live: list[tuple[Form, Scan]] = [(form, form.scan(tools)) for form in forms]
        self._pieces: list[str] = []

    @property
    def text(self) -> str:
        """All text of the block so far, opener included."""
        return "".join(self._pieces)

    def feed(self, piece: str) -> tuple[Form, int] | Literal["no"] | None:
        """Take a piece. Once known: the form and where its block ends; "no" where no form takes it."""
        self._pieces.append(piece)
        return self._ask(lambda scan: scan.feed(piece))

    def finish(self) -> tuple[Form, int] | Literal["no"]:
        """Decide now, for the text is over."""
        return self._ask(lambda scan: scan.finish()) or "no"

    def _ask(self, question: Callable[[Scan], int | Literal["no"] | None]) -> tuple[Form, int] | Literal["no"] | None:
        answers = [(form, scan, question(scan)) for form, scan in self._live]
        self._live = [(form, scan) for form, scan, answer in answers if answer != "no"]
        for form, _, answer in answers:
            if answer is None:
                return None
            if answer != "no":
                return form, answer
        return "no"
