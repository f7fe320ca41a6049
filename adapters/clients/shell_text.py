"""Shell commands on their way through text formats: what a format would cut goes as base64 that the shell itself decodes."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

from adapters.base import Unwritable

LONGEST = 128 * 1024 - 1
"""Bytes that Linux takes as one argument (MAX_ARG_STRLEN): every client hands a command to its shell as one."""

_SEEN = " \t\n"
"""What a shell skips around a command. Python strips more, such as a no-break space, which a shell takes for a name."""


def encoded(command: str) -> str:
    """Write a command as one that carries it in base64 and runs it in the same shell, so that directory and variables stay.

    Newlines at its very end are lost, as in every command substitution; no shell sees a difference there.
    """
    payload = base64.b64encode(sayable(command).encode()).decode()
    return fitting(f"eval \"$(printf %s '{payload}' | base64 -d)\"")


def fitting(line: str) -> str:
    """Return a command line that is short enough to be one argument."""
    if len(line.encode()) > LONGEST:
        raise Unwritable("It is too long for one command here. Write long text in several steps of at most 50 kB each.")
    return line


def sayable(command: str) -> str:
    """Return a text that can be sent, and run where it is a command."""
    if "\x00" in command:
        raise Unwritable("It holds a NUL character, which no command can.")
    return sendable(command)


def sendable(text: str) -> str:
    """Return a text that can be sent."""
    if _SURROGATE.search(text):
        raise Unwritable("It holds half a character (a lone surrogate), which cannot be sent.")
    return text


_SURROGATE = re.compile("[\ud800-\udfff]")


def bears_trimming(command: str) -> bool:
    """Tell whether a command stays the same to a shell when a client strips blanks from both its ends.

    Not after a backslash, which escapes the first of them, and not behind a here-document, whose last line has to stand alone.
    """
    kept = command.strip(_SEEN)
    tail = command.rstrip(_SEEN)
    cut = command[len(tail) :]
    if kept != command.strip() or (cut and kept.endswith("\\")):
        return False
    return not ("<<" in kept and cut.strip("\n"))


def carried(command: str, reroute: Callable[[str], str] = encoded, *, broken: bool = False) -> str:
    """Return a command as it is where a format can carry it: nothing in it breaks the format, and blanks may be stripped."""
    return command if bears_trimming(command) and not broken else reroute(command)
