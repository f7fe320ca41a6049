"""Keys: how they are read from files, and how a client's is compared with those that are accepted."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from pathlib import Path

from proxy.settings import Settings


class KeyFileError(Exception):
    """Raised where a file holds no usable key; says which file and why, and never what is in it."""


def read_key(path: Path) -> str:
    """Return the one key that a file holds, as container secrets are: blanks and newlines around it are left out."""
    keys = _text(path).split()
    if len(keys) != 1:
        raise KeyFileError(f"{path}: must hold one key and nothing else, and it holds {len(keys) or 'none'}")
    return keys[0]


def read_keys(path: Path) -> tuple[str, ...]:
    """Return the keys of a file, one a line; empty lines and those that begin with `#` are left out."""
    lines = [line.strip() for line in _text(path).splitlines()]
    keys = tuple(line for line in lines if line and not line.startswith("#"))
    for key in keys:
        if len(key.split()) > 1:
            raise KeyFileError(f"{path}:{lines.index(key) + 1}: holds a blank; one key a line, comments on lines of their own")
    if not keys:
        raise KeyFileError(f"{path}: holds no key; write one key a line")
    return keys


def readable_by_all(path: Path) -> bool:
    """Tell whether everybody on this machine may read a file."""
    return bool(path.stat().st_mode & 0o004)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise KeyFileError(f"{path}: is not UTF-8 text") from None


def accepted(settings: Settings) -> tuple[bytes, ...]:
    """Return the digests of the keys that clients may present; none: nobody is asked."""
    keys = (*([settings.client_key] if settings.client_key else []), *settings.client_keys)
    return tuple(_digest(key.get_secret_value().encode("utf-8", "surrogateescape")) for key in keys)


def fits(given: bytes, digests: Iterable[bytes]) -> bool:
    """Compare a key with all that are accepted, in a time that tells neither which one it is near nor how long any is."""
    digest = _digest(given)
    found = False
    for each in digests:
        found |= hmac.compare_digest(digest, each)
    return found


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
