"""Tells linear time from quadratic, on a machine that does other things as well."""

from __future__ import annotations

import time
from collections.abc import Callable

TRIES = 6
"""Noise passes one of them; quadratic work (sixteen times, for four times the text) passes none."""


def grows_linearly(work: Callable[[str], object], make: Callable[[int], str], size: int) -> bool:
    """Tell whether four times the text takes at most eight times the processor time, in the best of a few tries."""
    small, large = make(size), make(4 * size)
    return any(_seconds(work, large) <= 8 * _seconds(work, small) + 0.01 for _ in range(TRIES))


def _seconds(work: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    work(text)
    return time.process_time() - began
