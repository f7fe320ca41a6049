"""Redaction: what is a secret, what is not, and linear time on any text."""

from __future__ import annotations

import time

import pytest

from proxy.redact import redact

PEM = "-----BEGIN PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEA\n" * 20 + "-----END PRIVATE KEY-----"
PILES = [
    "eyJ",
    "eyJa.",
    "sk-",
    "sk-a ",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN ",
    "Bearer ",
    "Basic a",
    "://",
    "://a:",
    "://:",
]


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "Authorization: Basic [redacted]"),
        ("authorization: bearer abcdefgh", "authorization: bearer [redacted]"),
        ("postgres://bob:hunter2@db/x", "postgres://bob:[redacted]@db/x"),
        ("https://:tok3n@host", "https://:[redacted]@host"),
        ("basic understanding of risk-management and task-list-items", None),
        ("see http://host:80/path and eyJust a word", None),
        ("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", None),
        (f"a {PEM} b", "a [redacted private key] b"),
        (f"-----BEGIN X{PEM} b", "-----BEGIN X[redacted private key] b"),  # found by a fuzzer: the dashes are of both
        (f"{PEM[:-5]}{PEM}", "[redacted private key]" * 2),
        (f"{PEM[:-5]}\n{PEM}", "[redacted private key]\n[redacted private key]"),
    ],
)
def test_what_is_redacted(text: str, redacted: str | None) -> None:
    assert redact(text) == (text if redacted is None else redacted)
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize("pile", [*PILES, "://" + "a" * 300, "AKIA", "ghp_", "hf_a", "\\n", "-----END"])
def test_redaction_costs_linear_time(pile: str) -> None:
    def seconds(size: int) -> float:
        text = pile * (size // len(pile))
        best = 9.0
        for _ in range(3):
            started = time.process_time()
            redact(text)
            best = min(best, time.process_time() - started)
        return best

    assert seconds(400_000) <= 5 * max(seconds(100_000), 0.004)
    assert seconds(400_000) < 0.5
