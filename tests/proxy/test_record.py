"""A record of the journal: one line of bounded size, without secrets, and without content where that is asked for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from proxy.record import Asked, Attempt, Final, FinalCall, Record, Usage
from proxy.rendering import render

PEM = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEA\n" * 20 + "-----END RSA PRIVATE KEY-----"
SECRETS = [
    "sk-proj-abcDEF1234567890abcDEF",
    "sk-ant-api03-canarycanarycanary",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuv",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlY2FuYXJ5",
    "xoxb-123456789012-abcdefghijkl",
    "hf_abcdefghijklmnopqrstuvwxyz",
]


def record(turn: str = "t1", raw: str = "hello", **changes: Any) -> Record:
    base = Record(
        ts=1_700_000_000.125,
        turn=turn,
        conversation="c0ffee",
        client="openai_chat",
        model="google/gemma-4-26B-A4B-it",
        dialect="native",
        profile="gemma-4",
        mode="repair",
        outcome="mended",
        fault="model-arguments",
        reason="missing-arguments",
        attempts=(Attempt(raw, problem="missing-arguments", usage=Usage(10, 5, 15)),),
        repairs=("coerce_number",),
        final=Final("done", (FinalCall("wait", '{"seconds":3}'),)),
        timings={"first_byte": 0.25},
        request=Asked(3, ("wait",), True),
    )
    return replace(base, **changes)


def parsed(line: bytes) -> dict[str, Any]:
    assert line.count(b"\n") == 1
    found: dict[str, Any] = json.loads(line)
    return found


def test_cuts_say_how_much_is_missing() -> None:
    text = parsed(render(record(raw="a" * 100_000 + "b" * 400_000), "on", 256_000))["attempts"][0]["raw"]
    head, _, rest = text.partition("[")
    number, _, tail = rest.partition(" characters cut]")
    assert len(head) + int(number) + len(tail) == 500_000
    assert head[0] == "a"
    assert tail[-1] == "b"


def test_a_record_of_very_many_parts_still_fits() -> None:
    many = tuple(FinalCall("wait", "x" * 10_000) for _ in range(500))
    line = render(record(final=Final("", many), repairs=("coerce_number",) * 20_000), "on", 256_000)
    assert len(line) <= 256_000
    parsed(line)


@pytest.mark.parametrize("secret", [*SECRETS, PEM, PEM.replace("\n", "\\n"), PEM[:300]])
@pytest.mark.parametrize("frame", ["{}", "key={} end", '{{"key":"{}"}}', "line\\n{}\\n", "Bearer {}", "('{}')", "\ud800{}"])
@pytest.mark.parametrize("bodies", ["on", "off"])
def test_secrets_are_taken_out_everywhere(secret: str, frame: str, bodies: Any) -> None:
    text = frame.format(secret)
    call = FinalCall(text, text)
    asked = Asked(1, (text,))
    line = render(record(raw=text, model=text, final=Final(text, (call,)), timings={text: 1.0}, request=asked), bodies, 256_000)
    parsed(line)
    assert secret[40:60].encode() not in line if "PRIVATE" in secret else secret.encode() not in line
    assert secret[-12:].encode() not in line or "PRIVATE" in secret


def test_without_bodies_no_content_is_written() -> None:
    secret = "canary text of the user"
    call = FinalCall("canary text", json.dumps({"canary key": secret}))
    final = Final(secret, (call,))
    attempt = Attempt(secret, problem=f"said {secret}")
    found = render(record(attempts=(attempt,), final=final, reason=f"about {secret}"), "off", 256_000)
    assert b"canary" not in found
    shapes = parsed(found)
    assert shapes["final"]["text"] == {"chars": 23, "sha256": shapes["attempts"][0]["raw"]["sha256"]}
    assert shapes["model"] == "google/gemma-4-26B-A4B-it"


def test_a_name_as_content_is_not_written_without_bodies() -> None:
    assert b"hunter2" not in render(record(raw="hunter2", final=Final("hunter2", (FinalCall("wait", "hunter2"),))), "off", 9_999)
