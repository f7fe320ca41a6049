"""What can stand between the doctor and a server's answers: the part of the catalogue that is about reaching it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from proxy.doctor.entries import Entry

REACH: Final[Mapping[str, Entry]] = {
    "server-down": Entry(
        "network",
        "breaks",
        "Nothing listens at {upstream}.",
        ("start the model server, or correct --upstream; from within a container, 127.0.0.1 is the container itself",),
    ),
    "host-unknown": Entry("network", "breaks", "The name in {upstream} stands for no host.", ("correct the name in --upstream",)),
    "tls-broken": Entry(
        "network",
        "breaks",
        "No TLS connection to {upstream} comes about.",
        ("say http:// where the server speaks plain HTTP; for a certificate of your own authority say --upstream-ca FILE",),
    ),
    "key-wrong": Entry(
        "configuration",
        "breaks",
        "The server refuses the key that was sent.",
        ("set TOOLMEND_UPSTREAM_KEY to the key that the server was started with (vLLM: --api-key)",),
    ),
    "key-missing": Entry(
        "configuration",
        "breaks",
        "The server wants a key, and none was given.",
        ("set TOOLMEND_UPSTREAM_KEY to the key that the server was started with (vLLM: --api-key)",),
    ),
    "not-openai": Entry(
        "configuration",
        "breaks",
        "What answers at {upstream} is no server of the OpenAI API.",
        ("correct --upstream: it is the URL under which /v1/models and /v1/chat/completions stand",),
    ),
    "model-unknown": Entry(
        "configuration", "breaks", "The server knows no model of this name.", ("name one that it serves with --model: {models}",)
    ),
    "model-unnamed": Entry(
        "configuration",
        "breaks",
        "The server serves no model, or several, and none was named.",
        ("name one with --model: {models}",),
    ),
    "server-slow": Entry(
        "network",
        "breaks",
        "The server does not answer in time.",
        ("look at its log and load; where it is only slow, allow more with --timeout",),
    ),
    "broke-off": Entry(
        "engine",
        "breaks",
        "Answers break off in the middle.",
        ("look at the server's log: engines die of memory, and proxies in between cut long answers",),
    ),
    "server-error": Entry("engine", "breaks", "The server makes an error of its own.", ("look at the server's log",)),
    "refused": Entry("configuration", "breaks", "The server refuses the request.", ("see what it says",)),
}
