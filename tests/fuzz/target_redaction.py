"""The redactor: no secret comes through whatever stands around it, JSON stays JSON, and redacting twice changes nothing more."""

from __future__ import annotations

import json
from typing import Final

from proxy.redact import redact, redact_json, redact_line

SECRET: Final = "Zq7Xw9Zq7Xw9Zq7Xw9Zq7Xw9"
CANARIES: Final = (
    f"sk-{SECRET}",
    f"ghp_{SECRET}",
    f"github_pat_{SECRET}",
    f"glpat-{SECRET}",
    f"hf_{SECRET}",
    f"xoxb-{SECRET}",
    f"AIza{SECRET}",
    f"AKIA{SECRET.upper()}",
    f"ASIA{SECRET.upper()}",
    f"eyJ{SECRET}.{SECRET}.{SECRET}",
    f"Bearer {SECRET}",
    f"Authorization: Basic {SECRET}==",
    f"https://me:{SECRET}@host/",
    f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n{SECRET}\n-----END RSA PRIVATE KEY-----",
)
AROUND: Final = (" ", "\n", '"', "'", "=", ":", ",", "(", "<", ">", ";", "\t", "{", "[", "`", "|")
"""What may stand before a secret and behind it. A letter or a digit before it makes it a part of a longer word."""

SEEDS = (
    *(bytes((at, at, 40)) + b"before the secret stands text, and behind it" for at in range(len(CANARIES))),
    b"\x00\x00\x00://a:b@c Bearer Bearer abcdefgh eyJa.b.c.d-----BEGIN PRIVATE KEY-----",
    b"\x00\x00\x00A_KEY=abc123|B_KEY=xyz987\npm_aaaaaaaaaaaaaaaaaaaa \xe1\x88\xbeyJaaaaaaaaaaa.aaaaaaaaaa",
    b'\r\x02P{"key": "x\\nsk-aaaaaaaaaaaaaaaa"}-----END PRIVATE KEY-----',
)
WORDS = (
    *(
        b"sk-",
        b"ghp_",
        b"github_pat_",
        b"glpat-",
        b"hf_",
        b"xoxb-",
        b"AIza",
        b"AKIA",
        b"eyJ",
        b"Bearer ",
        b"basic ",
        b"://",
        b"@",
    ),
    *(b"-----BEGIN PRIVATE KEY-----", b"-----BEGIN ", b"-----END ", b"-----", b"[redacted", b"]", b"\\n", b".", b"aaaaaaaaaaaa"),
)


def run(data: bytes) -> None:
    """Three bytes say which secret is put in, between what, and where in the text that follows."""
    which, between, place = (*data[:3], 0, 0, 0)[:3]
    around, behind = AROUND[between % len(AROUND)], AROUND[between // len(AROUND) % len(AROUND)]
    text = data[3:].decode("utf-8", "replace")
    at = place * len(text) // 255
    hidden(f"{text[:at]}{around}{CANARIES[which % len(CANARIES)]}{behind}{text[at:]}")
    settled(text)


def hidden(text: str) -> None:
    """The secret is in none of the ways to write the text."""
    key = "PRIVATE KEY" in text  # keys span lines: they are looked for in texts, not in lines
    ways = [redact(text), json.dumps(redact_json({"a": [text], text: None}), ensure_ascii=False)]
    ways += [] if key else [redact_line(json.dumps(text, ensure_ascii=False)), redact_line(json.dumps(text))]
    for way in ways:
        assert SECRET not in way
        assert SECRET.upper() not in way


def settled(text: str) -> None:
    """Redacting what was redacted changes nothing more, and redacted JSON is JSON."""
    once = redact(text)
    assert redact(once) == once
    line = redact_line(json.dumps({"a": text, text: 1}))
    assert redact_line(line) == line
    json.loads(line)
