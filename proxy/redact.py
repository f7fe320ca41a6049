"""Takes secrets out of text that is about to be written down: into the journal, the log, a trace or a file that is exported.

RE2 searches, since it costs linear time whatever text and pattern are. It knows no look-around, so what stands before a secret
is captured and put back. It searches bytes, one character each: every pattern is ASCII, and half a character (a lone
surrogate) passes. No pattern cuts a quote or a backslash away, so redacted JSON stays JSON; private keys, which span lines,
are looked for in the texts alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import re2  # type: ignore[import-untyped]  # it has no stubs

Match: TypeAlias = Any
Replace: TypeAlias = Callable[[Match], bytes]

LATIN = re2.Options()
LATIN.encoding = re2.Options.Encoding.LATIN1
LATIN.log_errors = False
QUICK = re2.Options()
QUICK.encoding = re2.Options.Encoding.LATIN1
QUICK.never_capture = True

BEFORE: Final = rb"(^|[^A-Za-z0-9]|\\[bfnrt]|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2})"
"""What may stand before a token: no letter or digit ("task-" is no "sk-"), unless it ends an escape of JSON or of URLs."""

BEFORE_ESCAPED: Final = rb"(^|[^A-Za-z0-9\\]|(?:^|[^\\])(?:\\\\)+|\\[bfnrt]|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2})"
"""The same for what begins with a letter that may end an escape: in JSON a line's end before "pm_" is no "npm_"."""

ESCAPES: Final = (b"b", b"f", b"n", b"r", b"t", b"u")

TOKENS: Final = (
    (b"sk-", b"[A-Za-z0-9_-]{12,}"),  # OpenAI, Anthropic and those that copied them
    (b"sk_(?:live|test)_", b"[A-Za-z0-9]{12,}"),  # Stripe
    (b"rk_(?:live|test)_", b"[A-Za-z0-9]{12,}"),
    (b"whsec_", b"[A-Za-z0-9+/=]{16,}"),
    (b"gh[pousr]_", b"[A-Za-z0-9]{16,}"),
    (b"github_pat_", b"[A-Za-z0-9_]{16,}"),
    (b"gl(?:pat|dt|rt|cbt|ptt|ft|soat)-", b"[A-Za-z0-9_.-]{16,}"),
    (b"hf_", b"[A-Za-z0-9]{16,}"),
    (b"npm_", b"[A-Za-z0-9]{16,}"),
    (b"pypi-", b"[A-Za-z0-9_-]{32,}"),
    (b"gsk_", b"[A-Za-z0-9]{16,}"),  # Groq
    (b"nvapi-", b"[A-Za-z0-9_-]{16,}"),
    (b"xai-", b"[A-Za-z0-9]{16,}"),
    (b"xox[abeoprs]-", b"[A-Za-z0-9-]{16,}"),
    (b"xapp-", b"[A-Za-z0-9-]{16,}"),
    (b"AIza", b"[A-Za-z0-9_-]{16,}"),
    (b"GOCSPX-", b"[A-Za-z0-9_-]{16,}"),
    (b"ya29\\.", b"[A-Za-z0-9_.-]{16,}"),
    (b"A(?:K|S)IA", b"[A-Z0-9]{12,}"),
    (b"SG\\.", b"[A-Za-z0-9_-]{16,}\\.[A-Za-z0-9_-]{16,}"),
)
"""How a token opens, and what it goes on with."""

WRAPPED: Final = b"|".join((
    b"c2st", b"c2tf", b"Z2hw", b"Z2hz", b"Z2l0aHViX3Bh", b"Z2xwYXQt", b"aGZf", b"bnBtX", b"eG94", b"QUl6", b"QUtJ",
    b"LS0tLS1CRUdJT",
))  # fmt: skip
"""How some of the tokens, and private keys, begin in base64, where it begins with them."""

NAMED: Final = (
    rb"(?i)((?:(?:api|access|secret|private|account|shared|auth|encryption|signing|service|client)[_. -]?key|(?-i:[A-Z0-9]_KEY)"
    rb"|token|secret|passw(?:or)?d|passphrase|credentials?)(?:(\\*[\"'`])?[ \t]{0,4}(?:=>|:=|[:=])[ \t]{0,4}))"
    rb"(\\*[\"'`])?([A-Za-z0-9+/=_~!@#$%^*-]{6,})([.(]?)"
)
"""A value that is given a name which tells what it is: `password = "..."`, `"api_key": "..."`, `AWS_SECRET_ACCESS_KEY=...`.

It ends where what a secret is made of ends, so that the next name is found whatever joins them. A member or a call is code.
"""

AUTHORIZATION = re2.compile(rb"(?i)(bearer|basic)(?:[ \t]|\\t){1,8}([A-Za-z0-9._~+/=-]{8,})", LATIN)
SCHEME: Final = re.compile(rb"(?i)(?:bearer|basic)\Z")

PEM_BEGIN = re2.compile(rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z0-9 ]{0,40}-----", LATIN)
PEM_END = re2.compile(rb"-----END(?:(?: [A-Z0-9]{1,20}){0,4} KEY(?: BLOCK)?(?:-----)?)?", LATIN)
PEM_SPAN = 20_000  # a private key and what may be around its lines; RSA 4096 takes 3,300
PEM_UNENDED = 4_000

SPAN: Final = 4_096
"""Characters behind a cut that are looked at as well: a part of a secret would not be known for one."""

LETTER: Final = re.compile(rb"[A-Za-z]")
DIGIT: Final = re.compile(rb"[0-9]")
"""Without both a value is more likely code or prose."""


def redact(text: str) -> str:
    """Take secrets out of a text."""
    data = _bytes(text)
    if not SUSPECT.search(data):
        return text
    return _text(_without_tokens(_without_keys(data)))


def redact_line(text: str) -> str:
    """Take secrets out of a text that may be JSON, which it stays."""
    data = _bytes(text)
    return _text(_without_tokens(data)) if SUSPECT.search(data) else text


def redact_json(value: Any) -> Any:
    """Take secrets out of all texts in JSON, names of members included."""
    match value:
        case str():
            return redact(value)
        case list() | tuple():
            return [redact_json(each) for each in value]
        case dict():
            return {redact(key) if isinstance(key, str) else key: redact_json(each) for key, each in value.items()}
        case _:
            return value


def is_suspect(text: str) -> bool:
    """Tell whether there is anything in a text, or in a text inside its JSON, that would be taken out."""
    return SUSPECT.search(_bytes(text)) is not None


def excerpt(text: str, length: int) -> str:
    """Return the beginning of a text without secrets, also without the one that the cut goes through."""
    return redact(text[: length + SPAN])[:length]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _without_tokens(data: bytes) -> bytes:
    for pattern, replace in PATTERNS:
        data = pattern.sub(replace, data)
    data = _without_logins(data)
    for pattern, replace in SHAPES:  # these take any word for a part of a value, the name of a scheme, too
        data = pattern.sub(replace, data)
    return data


def _without_logins(data: bytes) -> bytes:
    """Cut out what stands behind `Bearer` or `Basic`. What ends in such a word is behind it, and so is what follows."""
    parts: list[bytes] = []
    at = 0
    while found := AUTHORIZATION.search(data, at):
        begin, token = int(found.start(2)), bytes(found[2])
        other = SCHEME.search(token)
        end = begin + (other.start() if other else len(token))
        is_prose = found[1].lower() == b"basic" and token.isalpha() and token.islower()
        parts += [data[at:begin], data[begin:end] if is_prose or end == begin else b"[redacted]"]
        at = end
    return b"".join([*parts, data[at:]])


def _token(found: Match) -> bytes:
    return bytes(found[1] + b"[redacted " + found[2] + b"]")


def _wrapped(found: Match) -> bytes:
    return bytes(found[1] + b"[redacted base64]")


def _jwt(found: Match) -> bytes:
    escape, run = found.groups()
    is_half = escape is not None and escape.count(b"\\") % 2 == 1  # the first letter belongs to an escape of JSON
    return (escape or b"") + b"[redacted jwt]" if b"." in run and len(run) >= 20 and not is_half else bytes(found[0])


def _url_login(found: Match) -> bytes:
    return bytes(b"//" + found[1] + b":[redacted]@")


def _named(found: Match) -> bytes:
    """Judge by the value: where it is quoted, or of an environment, it need not be as long as where it may be code."""
    head, closing, opening, value, behind = found.groups()
    enough = 6 if opening is not None or head.isupper() else 12
    is_json = closing is not None and opening is None  # and no text
    if is_json or behind or len(value) < enough or value[:1] in b"/$%" or not (LETTER.search(value) and DIGIT.search(value)):
        return bytes(found[0])
    return bytes(head + (opening or b"") + b"[redacted value]")


def _before(opener: bytes) -> bytes:
    """Return what may stand before a token that opens like this."""
    return BEFORE_ESCAPED if opener.startswith(ESCAPES) else BEFORE


PATTERNS: Final[tuple[tuple[Any, Replace], ...]] = (
    *((re2.compile(_before(opener) + b"(" + opener + b")" + rest, LATIN), _token) for opener, rest in TOKENS),
    (re2.compile(rb"(\\+u[0-9A-Fa-f]{3})?(eyJ[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*){0,4})", LATIN), _jwt),
)
SHAPES: Final[tuple[tuple[Any, Replace], ...]] = (
    (re2.compile(rb"""//([^\s/@:"\\]{0,256}):[^\s/@"\\]{1,256}@""", LATIN), _url_login),
    (re2.compile(BEFORE_ESCAPED + b"(?:" + WRAPPED + b")[A-Za-z0-9+/]{12,}={0,2}", LATIN), _wrapped),
    (re2.compile(NAMED, LATIN), _named),
)

SUSPECT: Final = re2.compile(
    b"|".join((
        *(BEFORE + opener + rest for opener, rest in TOKENS),
        BEFORE + b"(?:" + WRAPPED + b")[A-Za-z0-9+/]{12}",
        rb"eyJ[A-Za-z0-9_-]*\.|(?i:bearer|basic)(?:[ \t]|\\t){1,8}[A-Za-z0-9._~+/=-]{8}",
        rb"""//[^\s/@:"\\]*:[^\s/@"\\]+@|-----BEGIN [A-Z0-9 ]*PRIVATE KEY""",
        NAMED,
    )),
    QUICK,
)  # fmt: skip
"""What a text has that has a secret. It is searched for once, in place of all the patterns: most texts have nothing of it."""


def _without_keys(data: bytes) -> bytes:
    """Cut private keys out; where the end is missing, a key's length is cut."""
    parts: list[bytes] = []
    at = 0
    while found := PEM_BEGIN.search(data, at):
        end = PEM_END.search(data, found.end(), found.end() + PEM_SPAN)
        parts += [data[at : found.start()], b"[redacted private key]"]
        at = _behind(data, end) if end else _whole(data, found.end() + PEM_UNENDED)
    return b"".join([*parts, data[at:]])


def _behind(data: bytes, end: Match) -> int:
    """Find where a key's last line ends. Dashes there may be those of the next key, where this one's are missing."""
    at = int(end.end())
    return at - 5 if end[0].endswith(b"-----") and data.startswith(b"BEGIN ", at) else at


def _whole(data: bytes, at: int) -> int:
    """Move a place on to where a character begins."""
    while at < len(data) and data[at] & 0xC0 == 0x80:
        at += 1
    return at
