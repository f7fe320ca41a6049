"""The small parts of nearly-JSON text: blanks, comments, keys, numbers, words and escapes."""

from __future__ import annotations

import re
from typing import Final

BLANKS: Final = re.compile(r"(?:\s|\ufeff|\\[nrt])*+")
"""Space between tokens; models also write the two characters `\\n` there."""

STRICT_BLANKS: Final = re.compile(r"[ \t\n\r]*+")

SKIPPED: Final = frozenset(chr(code) for code in range(0x3001) if chr(code).isspace()) | frozenset("\ufeff\\/#")
"""What blanks and comments begin with."""

COMMENT: Final = re.compile(r"(?://|#)[^\n]*+|/\*.*?\*/", re.DOTALL)

NEAR_BLANKS: Final = re.compile(
    r"(?>(?:(?:\s|\\[nrt])++|(?://|#)[^\n]{0,200}+\n|/\*(?>(?:[^*]|\*(?!/)){0,200})\*/){0,8})", re.DOTALL
)
"""Blanks and short comments after a quote. Bounded: every quote of a text looks ahead, and the whole must stay linear."""

NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*+)(\.[0-9]++)?([eE][+-]?[0-9]++)?(?![\w.+-])")

WORD: Final = re.compile(r"[^\W\d]\w*+")

BARE_KEY: Final = re.compile(r"[^\W\d][\w.$-]*+")

WORDS: Final = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}

STRICT_WORDS: Final = frozenset({"true", "false", "null"})

UNQUOTED: Final = {'"': re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL), "'": re.compile(r"(?:[^'\\]++|\\.)*+", re.DOTALL)}
"""All up to the next quote of this kind that no backslash stands before."""

_ONE: Final = r"\\(?:u[0-9a-fA-F]{4}|.)"
NEAR_KEY: Final = re.compile(
    rf"""(?:"(?>(?:[^"\\]|{_ONE}){{0,1000}})"|'(?>(?:[^'\\]|{_ONE}){{0,1000}})'|[^\W\d][\w.$-]{{0,200}}+)\s*+:""", re.DOTALL
)
"""A key with its colon, as it must follow a comma inside an object."""

NEAR_VALUE: Final = re.compile(r"""["'{\[]|-?[0-9]|(?:true|false|null|True|False|None)\b""")
"""How a value begins, as it must follow a comma inside an array."""

JOINED: Final = re.compile(r"""\s*+\+\s*+["']""")
"""What follows a string that a program adds to another: no JSON, and no text either."""

CONTROL: Final = re.compile(r"[\x00-\x1f]")

_ESCAPE: Final = re.compile(r"\\(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", re.DOTALL)

_SIMPLE: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "/": "/"}


def unescape(raw: str, quote: str) -> tuple[str, bool]:
    """Return the text that `raw` stands for, and whether it had an escape that JSON does not know (which stays as it is)."""
    if "\\" not in raw:
        return raw, False
    odd = False

    def plain(found: re.Match[str]) -> str:
        nonlocal odd
        body = found[1]
        if len(body) == 1:
            known = quote if body == quote else _SIMPLE.get(body)
            odd = odd or body not in _SIMPLE
            return found[0] if known is None else known
        if len(body) == 5:
            return chr(int(body[1:], 16))
        high, low = int(body[1:5], 16), int(body[7:], 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))

    return _ESCAPE.sub(plain, raw), odd


def is_apostrophe(text: str, at: int) -> bool:
    """Say whether the single quote at `at` stands between two letters, as in `don't`."""
    return text[at] == "'" and text[at - 1 : at].isalnum() and text[at + 1 : at + 2].isalnum()
