"""Standard output: the log's lines, and the journal's where it is told to go there. Each line stays whole, whoever writes it."""

from __future__ import annotations

import sys
import threading
from typing import Final

_LOCK: Final = threading.Lock()


def write_line(line: bytes) -> None:
    """Write a line. Raises OSError where it cannot be written: the disk is full, or nobody reads any more."""
    with _LOCK:
        try:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        except ValueError as error:
            raise OSError("standard output is closed") from error


class LogLines:
    """Takes what structlog has rendered. A line that cannot be written is counted: no request fails because of it."""

    lost: int = 0

    def msg(self, line: str) -> None:
        """Write a line."""
        try:
            write_line(line.encode("utf-8", "backslashreplace") + b"\n")
        except OSError:
            LogLines.lost += 1

    debug = info = warning = error = critical = msg
