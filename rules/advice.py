"""Words for the model: names and values quoted as data, so that none can speak as an instruction or flood a prompt."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final

MAX_FINDING: Final = 300
"""Characters of advice per finding."""

MAX_NAME: Final = 60
MAX_NAMES: Final = 12

_MARKUP: Final = re.compile(r"""<(?=[^\s<"=])|\[(?=/?[A-Z_]{3,40}\])""")
"""What may begin a tag or a special token: a server's tokenizer takes `<|im_start|>` for one wherever it stands in a prompt."""


def capped(text: str, limit: int = MAX_FINDING) -> str:
    """Cut a text to `limit` characters, marking the cut."""
    return text if len(text) <= limit else text[: limit - 3] + "..."


def as_data(text: str) -> str:
    """Write a text so that it cannot speak: on one line, printable characters only, and no markup.

    What may begin a tag is written as JSON's escape, which in a quoted text stands for the same character.
    """
    clean = "".join(char for char in text if char.isprintable())
    return _MARKUP.sub(lambda found: f"\\u{ord(found.group()):04x}", clean)


def quoted(name: str) -> str:
    """Quote a name as data: printable characters only, capped."""
    clean = "".join(char for char in name[: MAX_NAME * 4] if char.isprintable())
    return as_data(json.dumps(capped(clean, MAX_NAME), ensure_ascii=False))


def listed(names: Iterable[str]) -> str:
    """Quote names and join them with commas; beyond a dozen the rest is only counted."""
    every = list(names)
    shown = ", ".join(quoted(name) for name in every[:MAX_NAMES])
    return shown if len(every) <= MAX_NAMES else f"{shown} and {len(every) - MAX_NAMES} more"


def shown(value: object, limit: int = 120) -> str:
    """Write a part of a schema on one line, printable characters only, capped."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return "..."
    return capped(as_data(text[: limit * 4]), limit)


def json_path(steps: Iterable[str | int]) -> str:
    """Write a place inside the arguments: `$.todos[0].status`, with quotes around a key that is no plain word."""
    return capped("$" + "".join(_step(step) for step in steps))


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    plain = len(step) <= MAX_NAME and step.isascii() and step.replace("-", "_").isidentifier()
    return f".{step}" if plain else f"[{quoted(step)}]"
