"""TLS: the certificate that clients are shown, and whom the model server's certificate may come from."""

from __future__ import annotations

import ssl
from pathlib import Path

from proxy.settings import Settings


class TlsError(Exception):
    """Raised where a certificate, key or CA cannot be used; says which file and why."""


def server_context(settings: Settings) -> ssl.SSLContext | None:
    """Return what clients' connections are encrypted with (TLS 1.2 or newer); None: they are not."""
    cert, key = settings.tls_cert, settings.tls_key
    if cert is None:
        return None
    for path in filter(None, (cert, key)):
        _readable(path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2

    def no_password() -> str:
        raise TlsError(f"{key or cert}: the private key is encrypted, which is not supported; store it without a password")

    try:
        context.load_cert_chain(cert, key, no_password)
    except ssl.SSLError as error:
        raise TlsError(_reason(cert, key, error)) from None
    return context


def upstream_context(settings: Settings) -> ssl.SSLContext | bool:
    """Return how an https model server is checked: by the system's authorities, and by the file's where one is given."""
    path = settings.upstream_ca
    if path is None:
        return True
    _readable(path)
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(path)
    except ssl.SSLError:
        raise TlsError(f"{path}: holds no certificate in PEM") from None
    return context


def check(settings: Settings) -> None:
    """Raise TlsError where one of the files cannot be used."""
    server_context(settings)
    upstream_context(settings)


def _readable(path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise TlsError(f"{path}: cannot be read: {error.strerror}") from None


def _reason(cert: Path, key: Path | None, error: ssl.SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"{key or cert}: is not the private key of the certificate in {cert}"
    if key is None:
        return f"{cert}: does not hold a certificate and its private key in PEM; is --tls-key missing?"
    return f"{cert} and {key}: must be a certificate (with its chain) and its private key in PEM"
