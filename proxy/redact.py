"""Takes secrets out of text that is about to be written down.

Every pattern costs linear time: what it consumes it does not give back (`++`, `*+`), and where it may fail after a long run
(JWT, PEM) it consumes the run anyway and decides afterwards. No pattern consumes a quote or a backslash, so redacted JSON
stays JSON; private keys, which span lines, are looked for in the texts alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

Replace: TypeAlias = Callable[[re.Match[str]], str]


def _mark(opener: str, token: str) -> re.Pattern[str]:
    """Describe a token by how it opens. The opener comes first, so that the search for it is quick; then what is before it:

    no letter or digit ("task-" is no "sk-"), or the `\\n` of a JSON text inside the text, whose last character is a letter.
    """
    return re.compile(f"({opener})(?:(?<![A-Za-z0-9]{opener})|(?<=\\\\[nrt]{opener})){token}")


TOKENS = (
    _mark("sk-", "[A-Za-z0-9_-]{12,}+"),  # OpenAI, Anthropic and those that copied them
    _mark("gh[pousr]_", "[A-Za-z0-9]{16,}+"),
    _mark("github_pat_", "[A-Za-z0-9_]{16,}+"),
    _mark("glpat-", "[A-Za-z0-9_-]{16,}+"),
    _mark("hf_", "[A-Za-z0-9]{16,}+"),
    _mark("xox[abeoprs]-", "[A-Za-z0-9-]{16,}+"),
    _mark("AIza", "[A-Za-z0-9_-]{16,}+"),
    _mark("AKIA", "[A-Z0-9]{12,}+"),
    _mark("ASIA", "[A-Z0-9]{12,}+"),
)
JWT = re.compile(r"eyJ[A-Za-z0-9_-]*+(?:\.[A-Za-z0-9_-]*+){0,4}+")
AUTHORIZATION = re.compile(
    r"([Bb](?:[Ee][Aa][Rr][Ee][Rr]|[Aa][Ss][Ii][Cc]))([ \t]{1,8}+)([A-Za-z0-9._~+/=-]{8,}+)"  # IGNORECASE is slow to search
)
URL_LOGIN = re.compile(r"""://([^\s/@:"\\]{0,256}+):[^\s/@"\\]{1,256}+@""")

PEM_BEGIN = re.compile(r"-----BEGIN (?=[A-Z0-9 ]{0,40}PRIVATE KEY)[A-Z0-9 ]{0,40}+-----")
PEM_END = re.compile(r"-----END[A-Z0-9 ]{0,40}+(?:-----(?!BEGIN ))?")
PEM_SPAN = 20_000  # a private key and what may be around its lines; RSA 4096 takes 3,300
PEM_UNENDED = 4_000


def redact(text: str) -> str:
    """Take secrets out of a text."""
    return redact_line(_without_keys(text))


def redact_line(text: str) -> str:
    """Take secrets out of a text that may be JSON, which it stays."""
    for pattern, replace in PATTERNS:
        text = pattern.sub(replace, text)
    return text


def redact_json(value: Any) -> Any:
    """Take secrets out of all texts in JSON, names of members included."""
    match value:
        case str():
            return redact(value)
        case list():
            return [redact_json(each) for each in value]
        case dict():
            return {redact(key): redact_json(each) for key, each in value.items()}
        case _:
            return value


def _token(found: re.Match[str]) -> str:
    return f"[redacted {found[1]}]"


def _jwt(found: re.Match[str]) -> str:
    run = found[0]
    return "[redacted jwt]" if "." in run and len(run) >= 20 else run


def _authorization(found: re.Match[str]) -> str:
    scheme, blank, token = found.groups()
    is_prose = scheme.lower() == "basic" and token.isalpha() and token.islower()
    return found[0] if is_prose else f"{scheme}{blank}[redacted]"


def _url_login(found: re.Match[str]) -> str:
    return f"://{found[1]}:[redacted]@"


PATTERNS: tuple[tuple[re.Pattern[str], Replace], ...] = (
    *((pattern, _token) for pattern in TOKENS),
    (JWT, _jwt),
    (AUTHORIZATION, _authorization),
    (URL_LOGIN, _url_login),
)


def _without_keys(text: str) -> str:
    """Cut private keys out; where the end is missing, a key's length is cut."""
    parts: list[str] = []
    at = 0
    while found := PEM_BEGIN.search(text, at):
        end = PEM_END.search(text, found.end(), found.end() + PEM_SPAN)
        parts += [text[at : found.start()], "[redacted private key]"]
        at = end.end() if end else found.end() + PEM_UNENDED
    return "".join([*parts, text[at:]])
