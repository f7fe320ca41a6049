"""Decodes and writes the entities of XML, those alone: HTML has two thousand more, and a value is no page."""

from __future__ import annotations

import re

_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_ENTITY = re.compile(rf"&(?:({'|'.join(_NAMED)})|#(\d{{1,7}})|#x([0-9a-fA-F]{{1,6}}));")


def unescape(text: str) -> str:
    """Decode each entity once."""
    return _ENTITY.sub(_character, text)


def escape_entities(text: str) -> str:
    """Write a text so that decoding gives it back, with no more changes than that needs."""
    return _ENTITY.sub(lambda found: f"&amp;{found.group()[1:]}", text)


def _character(found: re.Match[str]) -> str:
    name, decimal, hexadecimal = found.groups()
    if name:
        return _NAMED[name]
    code = int(decimal) if decimal else int(hexadecimal, 16)
    surrogate = 0xD800 <= code <= 0xDFFF
    return chr(code) if 0 < code <= 0x10FFFF and not surrogate else found.group()
