"""Which version of vLLM answers, and whether a fault was in it."""

from __future__ import annotations

import re
from typing import Final, TypeAlias

Version: TypeAlias = tuple[int, ...]

_VERSION: Final = re.compile(r"(?:vllm-)?v?(\d{1,4}(?:\.\d{1,4}){1,3})")


def version_of(told: object) -> str:
    """Read the version out of an answer's `system_fingerprint` (`vllm-0.32.0-4b285799`), or of what `/version` tells (`0.32.0`).

    Empty where neither tells one.
    """
    found = _VERSION.match(told) if isinstance(told, str) else None
    return found[1] if found else ""


def was_in(version: str, since: str, gone: str) -> bool:
    """Tell whether a version lies in a range. Of an unknown one, and in an open range, anything may be."""
    number = _number(version)
    return not version or ((not since or number >= _number(since)) and (not gone or number < _number(gone)))


def _number(version: str) -> Version:
    return tuple(map(int, version.split("."))) if version else ()
